import { z } from 'zod';

/** `runtime.remote` of `keelson.yaml`. */
export const remoteOptionsSchema = z
  .strictObject({
    /** `unix:///run/containerd/containerd.sock`, a path, or `tcp://host:port`. Without: a runtime that is found, or our own containerd. */
    endpoint: z.string().min(1).optional(),
    /** Where images are served, if not at `endpoint`. */
    imageEndpoint: z.string().min(1).optional(),
    /** Whether a containerd of our own may be started where no endpoint is given. */
    containerd: z.enum(['auto', 'never']).default('auto'),
    /** Image archives that are loaded into our own containerd; default `<node's data directory>/images`. */
    imagesDir: z.string().min(1).optional(),
    /** Deadline of an ordinary call, in milliseconds. */
    requestTimeoutMs: z.number().int().min(1000).default(120_000),
  })
  .prefault({});

/** Options of the runtime behind a CRI socket. */
export type RemoteOptions = z.infer<typeof remoteOptionsSchema>;
