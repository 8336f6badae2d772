import { z } from 'zod';

/** `runtime.process` of `keelson.yaml`. */
export const processOptionsSchema = z
  .strictObject({
    /** Image archives and OCI layouts; default `<node's data directory>/images`. */
    imagesDir: z.string().min(1).optional(),
    /** `auto` isolates as well as the machine can; `rootless` uses a user namespace also as root; `none` runs plain processes. */
    isolation: z.enum(['auto', 'rootless', 'none']).default('auto'),
  })
  .prefault({});

/** Options of the runtime that runs containers as processes. */
export type ProcessOptions = z.infer<typeof processOptionsSchema>;
