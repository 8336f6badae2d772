import { judgeProcMount } from './baseline-checks.ts';
import { judgeRestrictedCapabilities } from './capabilities.ts';
import { judgeRestrictedSeccomp } from './seccomp.ts';
import {
  type Check,
  containersText,
  hasUserNamespace,
  isWindows,
  type Judge,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
} from './subject.ts';

const allowPrivilegeEscalation: Judge = (subject) => {
  const names = namesWhere(subject, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (names.length === 0) return undefined;
  const detail = `${containersText(names)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
};

const allowedVolumes: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

const restrictedVolumes: Judge = ({ spec }) => {
  const types = new Set<string>();
  const names: string[] = [];
  for (const { name, ...source } of spec.volumes ?? []) {
    const type = Object.entries(source).find(([, value]) => value !== undefined)?.[0] ?? 'unknown';
    if (allowedVolumes.has(type)) continue;
    types.add(type);
    names.push(name);
  }
  if (names.length === 0) return undefined;
  const volumes = `${plural(names.length, 'volume')} ${quoted(names)} ${plural(names.length, 'uses', 'use')}`;
  const detail = `${volumes} restricted volume ${plural(types.size, 'type')} ${quoted(sortedSet(types))}`;
  return { reason: 'restricted volume types', detail };
};

const runAsNonRoot: Judge = (subject) => {
  const reason = 'runAsNonRoot != true';
  const ofPod = subject.spec.securityContext?.runAsNonRoot;
  const bad = namesWhere(subject, ({ securityContext }) => securityContext?.runAsNonRoot === false);
  const who = settersText(ofPod === false, bad);
  if (who !== undefined) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  if (ofPod) return undefined;
  const silent = namesWhere(subject, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return { reason, detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: Judge = (subject) => {
  const names = namesWhere(subject, ({ securityContext }) => securityContext?.runAsUser === 0);
  const who = settersText(subject.spec.securityContext?.runAsUser === 0, names);
  return who === undefined ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
};

/** Of what Windows does not know, since v1.25. */
const unlessWindows =
  (judge: Judge): Judge =>
  (subject) =>
    isWindows(subject) ? undefined : judge(subject);

const unlessUserNamespace =
  (judge: Judge): Judge =>
  (subject) =>
    hasUserNamespace(subject) ? undefined : judge(subject);

/** kubernetes.io/docs/concepts/security/pod-security-standards, Restricted. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      [8, allowPrivilegeEscalation],
      [25, unlessWindows(allowPrivilegeEscalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    overrides: ['capabilities_baseline'],
    versions: [
      [22, judgeRestrictedCapabilities],
      [25, unlessWindows(judgeRestrictedCapabilities)],
    ],
  },
  { id: 'procMount_restricted', level: 'restricted', overrides: ['procMount'], versions: [[35, judgeProcMount]] },
  { id: 'restrictedVolumes', level: 'restricted', overrides: ['hostPathVolumes'], versions: [[0, restrictedVolumes]] },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      [0, runAsNonRoot],
      [35, unlessUserNamespace(runAsNonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      [23, runAsUser],
      [35, unlessUserNamespace(runAsUser)],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    overrides: ['seccompProfile_baseline'],
    versions: [
      [19, judgeRestrictedSeccomp],
      [25, unlessWindows(judgeRestrictedSeccomp)],
    ],
  },
];
