import { z } from 'zod';

/** Whether requests without credentials are handled at all, and where (KEP-4633). Without conditions: everywhere. */
export const AnonymousOptions = z
  .strictObject({
    enabled: z.boolean(),
    conditions: z.array(z.strictObject({ path: z.string().startsWith('/') })).optional(),
  })
  .refine(({ enabled, conditions }) => enabled || conditions === undefined, {
    path: ['conditions'],
    message: 'enabled should be set to true when conditions are defined',
  });
export type AnonymousOptions = z.infer<typeof AnonymousOptions>;

/** Only probes, unless something else is asked for. */
export const healthOnly: AnonymousOptions = {
  enabled: true,
  conditions: [{ path: '/livez' }, { path: '/readyz' }, { path: '/healthz' }],
};

/** Whether somebody without credentials may ask for this path, which counts without its query. */
export function anonymousPolicy({ enabled, conditions }: AnonymousOptions): (path: string) => boolean {
  if (!enabled) return () => false;
  if (conditions === undefined) return () => true;
  const paths = new Set(conditions.map(({ path }) => path));
  return (path) => paths.has(path);
}
