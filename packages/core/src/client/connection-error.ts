/**
 * The request did not get an answer: no connection, or one that was lost. Whether a write took effect is not known.
 * `cause` is the error of the socket.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

export function connectionError(what: string, cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  const advice = adviceOn(codeOf(cause));
  return new ConnectionError(`${what}: ${describe(cause)}${advice ? ` (${advice})` : ''}`, { cause });
}

function describe(cause: unknown): string {
  // Node tries every address of a name and collects what came of it, without a message of its own.
  if (cause instanceof AggregateError) return cause.errors.map(describe).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}

const unknownAuthority = 'its certificate is of another authority than the kubeconfig names in certificate-authority';
const unknownName = "no such name is known: look at the server's address in the kubeconfig";
const noTls = 'no TLS is spoken there: does its address begin with http:?';

/** What to look at, by the codes of Node's sockets and of OpenSSL. */
const advices: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'does the API server run, and is its address right?',
  ENOTFOUND: unknownName,
  EAI_AGAIN: unknownName,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  CERT_HAS_EXPIRED: "the API server's certificate is to be renewed, unless this machine's clock is wrong",
  CERT_NOT_YET_VALID: "is this machine's clock right?",
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client certificate of the kubeconfig has expired',
};

function adviceOn(code: string | undefined): string | undefined {
  return code !== undefined && Object.hasOwn(advices, code) ? advices[code] : undefined;
}

function codeOf(cause: unknown): string | undefined {
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
