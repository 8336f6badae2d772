import { z } from 'zod';
import { type Level, levels, type Mode, type Policy, parseVersion } from './policy.ts';

const level = z.enum(levels).default('privileged');
const version = z
  .string()
  .refine((text) => parseVersion(text) !== undefined, 'must be "latest" or "v1.x"')
  .default('latest');
const names = z.array(z.string().min(1)).default([]);

/** As `PodSecurityConfiguration` of `pod-security.admission.config.k8s.io/v1` has it. */
export const PodSecurityOptions = z.strictObject({
  /** What holds in a namespace whose labels do not say otherwise. */
  defaults: z
    .strictObject({
      enforce: level,
      'enforce-version': version,
      audit: level,
      'audit-version': version,
      warn: level,
      'warn-version': version,
    })
    .prefault({}),
  /** Whose requests, and which pods, are not judged. */
  exemptions: z.strictObject({ usernames: names, runtimeClasses: names, namespaces: names }).prefault({}),
});
export type PodSecurityOptions = z.infer<typeof PodSecurityOptions>;

export interface PodSecuritySettings {
  readonly defaults: Policy;
  readonly exempt: {
    readonly users: ReadonlySet<string>;
    readonly runtimeClasses: ReadonlySet<string>;
    readonly namespaces: ReadonlySet<string>;
  };
}

/** Options as they are looked at with every request. */
export function podSecuritySettings({ defaults, exemptions }: PodSecurityOptions): PodSecuritySettings {
  const at = (mode: Mode): { level: Level; version: number } => ({
    level: defaults[mode],
    version: parseVersion(defaults[`${mode}-version`]) ?? Number.POSITIVE_INFINITY,
  });
  return {
    defaults: { enforce: at('enforce'), audit: at('audit'), warn: at('warn') },
    exempt: {
      users: new Set(exemptions.usernames),
      runtimeClasses: new Set(exemptions.runtimeClasses),
      namespaces: new Set(exemptions.namespaces),
    },
  };
}
