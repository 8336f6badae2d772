import { type Status, StatusError } from '@keelson/core';
import { z } from 'zod';
import { admit, type Call, validateAdmission } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import type { ServedSubresource } from '../contract.ts';
import { decodeOwnBody, inPlaceOf } from '../decode-own-body.ts';
import type { ObjectDraft } from '../draft.ts';
import { recordOwners } from '../ownership/record-owners.ts';

/** What subresources answer that do something and have nothing to show. */
export const done: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** The body of a subresource that is not the object itself, on its way through admission. */
export class OwnBody<T> {
  readonly #schema: z.ZodType<T>;
  readonly #kind: ServedSubresource['kind'];
  readonly #context: RegistryContext;
  readonly #call: Call;
  #draft: ObjectDraft;

  /**
   * Decodes it by the schema of `kind`. Throws a 400.
   *
   * @param admitted the request as admission is to see it: by default with `kind` in the place of the resource's own
   */
  constructor(
    schema: z.ZodType<T>,
    kind: ServedSubresource['kind'],
    context: RegistryContext,
    call: Call,
    admitted: Call = { ...call, kind: inPlaceOf(call.kind, kind) },
  ) {
    this.#schema = schema;
    this.#kind = kind;
    this.#context = context;
    this.#call = admitted;
    this.#draft = decodeOwnBody(kind, call.request, (text) => call.warnings.push(text));
    call.request.record?.sentObject(this.#draft);
  }

  get value(): T {
    const { kind, version } = this.#kind;
    const parsed = this.#schema.safeParse(this.#draft);
    if (parsed.success) return parsed.data;
    throw StatusError.badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${z.prettifyError(parsed.error)}`,
    );
  }

  /** Resolves to what mutating admission has made of it. */
  async admit(): Promise<T> {
    const { namespace } = this.#call.request;
    if (namespace !== undefined) this.#draft.metadata.namespace ??= namespace;
    recordOwners(this.#context, this.#call, this.#draft, undefined);
    this.#draft = await admit(this.#context, this.#call, 'CREATE', this.#draft, undefined);
    return this.value;
  }

  async validate(): Promise<void> {
    await validateAdmission(this.#context, this.#call, 'CREATE', this.#draft, undefined);
  }
}

/** What is sent to a namespace may name it, and no other. */
export function checkNamespace(metadata: { readonly namespace?: string } | undefined, namespace: string): void {
  if (!metadata?.namespace || metadata.namespace === namespace) return;
  throw StatusError.badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
