import { type Status, StatusError } from '@keelson/core';
import { z } from 'zod';

/** What subresources answer that do something and have nothing to show. */
export const done: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** The body of a subresource that is not the object itself. Throws a 400. */
export function parseBody<T>(schema: z.ZodType<T>, kind: string, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw StatusError.badRequest(
    `${kind} in version "v1" cannot be handled as a ${kind}: ${z.prettifyError(parsed.error)}`,
  );
}
