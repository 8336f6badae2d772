import { type Status, StatusError } from '@keelson/core';
import { z } from 'zod';
import type { Call } from '../admission-chain.ts';
import type { ServedSubresource } from '../contract.ts';
import { decodeOwnBody } from '../decode-own-body.ts';

/** What subresources answer that do something and have nothing to show. */
export const done: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** The body of a subresource that is not the object itself, decoded by the schema of `kind`. Throws a 400. */
export function parseBody<T>(schema: z.ZodType<T>, kind: ServedSubresource['kind'], { request, warnings }: Call): T {
  const parsed = schema.safeParse(decodeOwnBody(kind, request, (text) => warnings.push(text)));
  if (parsed.success) return parsed.data;
  throw StatusError.badRequest(
    `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${z.prettifyError(parsed.error)}`,
  );
}

/** What is sent to a namespace may name it, and no other. */
export function checkNamespace(metadata: { readonly namespace?: string } | undefined, namespace: string): void {
  if (!metadata?.namespace || metadata.namespace === namespace) return;
  throw StatusError.badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
