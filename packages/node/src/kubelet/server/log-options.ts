import { z } from 'zod';
import type { LogOptions } from '../logs/read-logs.ts';
import { parseTime } from '../time.ts';

/** An answer that is not 200, with its text. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const flag = z
  .enum(['', '0', '1', 'true', 'false'])
  .transform((text) => text === '1' || text === 'true' || text === '');
const count = z.coerce.number().int();
const schema = z.object({
  follow: flag.optional(),
  previous: flag.optional(),
  timestamps: flag.optional(),
  tailLines: count.min(0).optional(),
  limitBytes: count.min(1).optional(),
  sinceSeconds: count.min(1).optional(),
  sinceTime: z.string().optional(),
  stream: z.enum(['All', 'Stdout', 'Stderr']).optional(),
});

/** `PodLogOptions` out of a query string. Throws RequestError 400 or 422. */
export function parseLogOptions(query: URLSearchParams, now: number): LogOptions & { readonly previous: boolean } {
  const parsed = schema.safeParse(Object.fromEntries(query));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RequestError(422, `PodLogOptions is invalid: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const {
    follow = false,
    previous = false,
    timestamps = false,
    tailLines,
    limitBytes,
    sinceSeconds,
    sinceTime,
    stream = 'All',
  } = parsed.data;
  const since = sinceSeconds === undefined ? parseTime(sinceTime) : now - sinceSeconds * 1000;
  return { follow, previous, timestamps, tailLines, limitBytes, since, stream };
}
