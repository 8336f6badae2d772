import type { StatusError } from '@keelson/core';

/** A webhook could not be asked, or said what cannot be understood: its failure policy says what becomes of the request. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
  /** For metrics: the code of the answer, or the one that stands for what went wrong. */
  readonly code: number;

  constructor(webhook: string, reason: string, code: number) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`);
    this.code = code;
  }
}

/** A webhook said no. */
export class WebhookDenial extends Error {
  override readonly name = 'WebhookDenial';
  readonly status: StatusError;

  constructor(status: StatusError) {
    super(status.message);
    this.status = status;
  }
}
