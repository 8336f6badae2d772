import type { SimulatedOptions } from './options.ts';

/** How one simulated container behaves. */
export interface Behaviour {
  readonly startDelayMs: number;
  readonly stopDelayMs: number;
  readonly exitAfterMs: number | undefined;
  readonly exitCode: number;
  readonly pullError: string | undefined;
  readonly startError: string | undefined;
  readonly exec: SimulatedOptions['exec'];
}

/** What is known of a container that is to behave. */
export interface Subject {
  readonly image: string;
  readonly container: string;
  /** Command and arguments with a space between each. */
  readonly command: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

export const annotationPrefix = 'simulated.keelson.dev/';

/**
 * The pod's annotations win over the container's rule, that over the image's, and that over the options. An annotation is
 * `simulated.keelson.dev/<setting>` for the whole pod or `simulated.keelson.dev/<setting>.<container>` for one of
 * its containers; settings are `start-delay-ms`, `stop-delay-ms`, `exit-after-ms`, `exit-code`, `pull-error`,
 * `start-error`, `exec-stdout`, `exec-stderr` and `exec-exit-code`. What is not a number where one is due is ignored.
 */
export function behaviourOf(
  options: SimulatedOptions,
  { image, container, command, labels, annotations }: Subject,
): Behaviour {
  const rule =
    options.containers.find(
      (each) =>
        (each.image === undefined || matches(each.image, image)) &&
        (each.command === undefined || matches(each.command, command)) &&
        Object.entries(each.labels).every(([key, pattern]) => {
          const value = labels?.[key];
          return value !== undefined && matches(pattern, value);
        }),
    ) ?? options.images.find(({ match }) => matches(match, image));
  const text = (setting: string): string | undefined =>
    annotations?.[`${annotationPrefix}${setting}.${container}`] ?? annotations?.[`${annotationPrefix}${setting}`];
  const number = (setting: string): number | undefined => {
    const value = Number(text(setting) ?? 'none');
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  return {
    startDelayMs: number('start-delay-ms') ?? rule?.startDelayMs ?? options.startDelayMs,
    stopDelayMs: number('stop-delay-ms') ?? rule?.stopDelayMs ?? options.stopDelayMs,
    exitAfterMs: number('exit-after-ms') ?? rule?.exitAfterMs,
    exitCode: number('exit-code') ?? rule?.exitCode ?? 0,
    pullError: text('pull-error') ?? rule?.pullError,
    startError: text('start-error') ?? rule?.startError,
    exec: {
      stdout: text('exec-stdout') ?? options.exec.stdout,
      stderr: text('exec-stderr') ?? options.exec.stderr,
      exitCode: number('exec-exit-code') ?? options.exec.exitCode,
    },
  };
}

/** `*` matches any run of characters, everything else itself. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}
