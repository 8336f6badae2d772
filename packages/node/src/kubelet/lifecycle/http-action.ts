import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Container, HTTPGetAction } from '@keelson/core/api';

/** A port by number or by the name that the container gives it. Throws for a name that it does not have. */
export function resolvePort(port: number | string, container: Pick<Container, 'name' | 'ports'>): number {
  const number = Number(port);
  if (Number.isInteger(number)) {
    if (number > 0 && number < 65_536) return number;
    throw new Error(`invalid port number: ${port}`);
  }
  const named = container.ports?.find((each) => each.name === port);
  if (!named) throw new Error(`couldn't find port: "${port}" in container ${container.name}`);
  return named.containerPort;
}

export interface HttpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** Where an `httpGet` goes: to the pod, unless it names a host. */
export function httpTarget(
  action: HTTPGetAction,
  container: Pick<Container, 'name' | 'ports'>,
  podIp: string,
): HttpTarget {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const host = action.host || podIp;
  const address = host.includes(':') ? `[${host}]` : host;
  const path = action.path ?? '/';
  const headers: Record<string, string | string[]> = { 'User-Agent': 'kube-probe/1.35', Accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) {
    const key = Object.keys(headers).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
    const own = (action.httpHeaders ?? []).filter((each) => each.name.toLowerCase() === name.toLowerCase());
    if (value === '' && own.length === 1) delete headers[key];
    else headers[key] = own.length === 1 ? value : own.map((each) => each.value);
  }
  return {
    url: `${scheme}://${address}:${resolvePort(action.port, container)}${path.startsWith('/') ? path : `/${path}`}`,
    headers,
  };
}

export interface HttpAnswer {
  readonly statusCode: number;
  readonly location: string | undefined;
  /** The first 10 KiB. */
  readonly body: string;
}

const bodyLimit = 10 * 1024;

/** One GET without a kept connection; certificates are not checked, as probes never do. */
export function httpGet(target: HttpTarget, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const send = target.url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(
      target.url,
      {
        headers: { Connection: 'close', ...target.headers },
        agent: false,
        signal,
        ...(target.url.startsWith('https:') && { rejectUnauthorized: false }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const done = () => {
          response.destroy();
          resolve({
            statusCode: response.statusCode ?? 0,
            location: response.headers.location,
            body: Buffer.concat(chunks).subarray(0, bodyLimit).toString('utf8'),
          });
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size >= bodyLimit) done();
        });
        response.on('end', done);
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end();
  });
}
