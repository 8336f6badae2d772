import { connect } from 'node:http2';
import type { ProbeOutcome } from './probe-outcome.ts';

/**
 * Asks `grpc.health.v1.Health/Check` (github.com/grpc/grpc/blob/master/doc/health-checking.md) over plain HTTP/2. One
 * message with one string field each way needs no gRPC library.
 */
export function grpcHealth(
  host: string,
  port: number,
  service: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve) => {
    const session = connect(`http://${address}`);
    const finish = (outcome: ProbeOutcome) => {
      signal.removeEventListener('abort', abort);
      session.destroy();
      resolve(outcome);
    };
    const abort = () =>
      finish({
        result: 'failure',
        message: `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`,
      });
    signal.addEventListener('abort', abort, { once: true });
    session.on('error', (error) =>
      finish({ result: 'failure', message: `error: failed to connect service at "${address}": ${error.message}` }),
    );

    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/1.35',
    });
    const chunks: Buffer[] = [];
    let status = '';
    let message = '';
    const note = (headers: Readonly<Record<string, unknown>>) => {
      status = String(headers['grpc-status'] ?? status);
      message = String(headers['grpc-message'] ?? message);
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error) => finish({ result: 'failure', message: `error: health rpc failed: ${error.message}` }));
    stream.on('end', () => finish(verdict(status, message, Buffer.concat(chunks))));
    stream.end(frame(service));
  });
}

/** Length-prefixed `HealthCheckRequest { string service = 1; }`. */
function frame(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const body = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

const servingStatus = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** `HealthCheckResponse { ServingStatus status = 1; }`; absent means 0. */
function verdict(status: string, message: string, data: Buffer): ProbeOutcome {
  if (status === '12')
    return {
      result: 'failure',
      message: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`,
    };
  if (status !== '0')
    return {
      result: 'failure',
      message: `error: health rpc probe failed: rpc error: code = ${status} desc = ${message}`,
    };
  const serving = data[5] === 0x08 ? (servingStatus[data[6] ?? 0] ?? 'UNKNOWN') : 'UNKNOWN';
  if (serving === 'SERVING') return { result: 'success', message: 'service healthy' };
  return { result: 'failure', message: `service unhealthy (responded with "${serving}")` };
}
