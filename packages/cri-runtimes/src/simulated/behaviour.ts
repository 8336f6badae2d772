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

export const annotationPrefix = 'simulated.keelson.dev/';

/**
 * The pod's annotations win over the image's rule, and that over the options. An annotation is
 * `simulated.keelson.dev/<setting>` for the whole pod or `simulated.keelson.dev/<setting>.<container>` for one of
 * its containers; settings are `start-delay-ms`, `stop-delay-ms`, `exit-after-ms`, `exit-code`, `pull-error`,
 * `start-error`, `exec-stdout`, `exec-stderr` and `exec-exit-code`. What is not a number where one is due is ignored.
 */
export function behaviourOf(
  options: SimulatedOptions,
  image: string,
  container: string,
  annotations: Readonly<Record<string, string>> | undefined,
): Behaviour {
  const rule = options.images.find(({ match }) => imageMatches(match, image));
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
export function imageMatches(pattern: string, image: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(image);
}
