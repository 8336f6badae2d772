/** Pod Security Standards (KEP-2579), from the widest to the narrowest. */
export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

/** A level as of a minor version of Kubernetes, `Infinity` for the latest. */
export interface LevelAndVersion {
  readonly level: Level;
  readonly version: number;
}

export type Mode = 'enforce' | 'audit' | 'warn';
export const modes: readonly Mode[] = ['enforce', 'audit', 'warn'];
export type Policy = Readonly<Record<Mode, LevelAndVersion>>;

/** What is wrong with a label. */
export interface LabelProblem {
  readonly label: string;
  readonly value: string;
  readonly why: string;
}

export interface ParsedPolicy {
  readonly policy: Policy;
  readonly problems: readonly LabelProblem[];
}

type Labels = Readonly<Record<string, string>>;

const prefix = 'pod-security.kubernetes.io/';
export const levelLabel = (mode: Mode) => `${prefix}${mode}`;
export const versionLabel = (mode: Mode) => `${prefix}${mode}-version`;

const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text);

/** `latest` or `v1.N`; `undefined` for all else. */
export function parseVersion(text: string): number | undefined {
  if (text === 'latest') return Number.POSITIVE_INFINITY;
  const minor = Number(/^v1\.(0|[1-9]\d*)$/.exec(text)?.[1]);
  return Number.isSafeInteger(minor) ? minor : undefined;
}

export const isStricter = (a: Level, b: Level) => levels.indexOf(a) > levels.indexOf(b);

/** Whether nothing is asked for at all. */
export const isOpen = ({ enforce, audit, warn }: Policy) =>
  enforce.level === 'privileged' && audit.level === 'privileged' && warn.level === 'privileged';

/** `restricted:v1.30`. */
export const policyText = ({ level, version }: LevelAndVersion) =>
  `${level}:${Number.isFinite(version) ? `v1.${version}` : 'latest'}`;

const levelProblem = `must be one of ${levels.join(', ')}`;
const versionProblem = 'must be "latest" or "v1.x"';

/**
 * What a namespace's labels ask for. A level that cannot be read is enforced as `restricted` and otherwise left out.
 * Who enforces a level and says nothing of warnings is warned of it as well.
 */
export function policyOf(labels: Labels | undefined, defaults: Policy): ParsedPolicy {
  if (!labels || !hasPolicy(labels)) return { policy: defaults, problems: none };
  const problems: LabelProblem[] = [];
  const read = (mode: Mode): LevelAndVersion => {
    let { level, version } = defaults[mode];
    const levelText = labels[levelLabel(mode)];
    if (levelText !== undefined) {
      const known = isLevel(levelText) ? levelText : undefined;
      level = known ?? (mode === 'enforce' ? 'restricted' : 'privileged');
      if (!known) problems.push({ label: levelLabel(mode), value: levelText, why: levelProblem });
    }
    const versionText = labels[versionLabel(mode)];
    if (versionText !== undefined) {
      const known = parseVersion(versionText);
      version = known ?? Number.POSITIVE_INFINITY;
      if (known === undefined) problems.push({ label: versionLabel(mode), value: versionText, why: versionProblem });
    }
    return { level, version };
  };
  const enforce = read('enforce');
  const audit = read('audit');
  let warn = read('warn');
  const enforced = labels[levelLabel('enforce')];
  const mayFollow = enforced !== undefined && isLevel(enforced) && labels[levelLabel('warn')] === undefined;
  if (mayFollow && isStricter(enforce.level, warn.level)) {
    warn = {
      level: enforce.level,
      version: labels[versionLabel('warn')] === undefined ? enforce.version : warn.version,
    };
  }
  return { policy: { enforce, audit, warn }, problems };
}

const none: readonly LabelProblem[] = [];

/** Whether any label is one of Pod Security's; most namespaces have none. */
export function hasPolicy(labels: Labels): boolean {
  for (const key in labels) if (key.startsWith(prefix)) return true;
  return false;
}

/** What labels ask for and would restrict something: `enforce=baseline:latest, warn=restricted:latest`; may be empty. */
export function labelledPolicyText(labels: Labels | undefined, policy: Policy): string {
  return modes
    .filter((mode) => labels?.[levelLabel(mode)] !== undefined || labels?.[versionLabel(mode)] !== undefined)
    .filter((mode) => policy[mode].level !== 'privileged')
    .map((mode) => `${mode}=${policyText(policy[mode])}`)
    .join(', ');
}
