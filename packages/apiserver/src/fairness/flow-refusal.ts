/** A request that found no seat: 429, in plain text and not as a Status, as by Kubernetes. */
export class FlowRefusal extends Error {
  override readonly name = 'FlowRefusal';
}

export const refusalText = 'Too many requests, please try again later.\n';
export const retryAfterSeconds = '1';
