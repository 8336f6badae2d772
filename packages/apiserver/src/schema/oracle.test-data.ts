import { Agent, request } from 'node:https';
import { loadKubeconfig } from '@keelson/core/client';
import type { TableResource } from './index.ts';

export type Json = { readonly [key: string]: unknown };
export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface OracleAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Buffer;
}

export type AskOracle = (
  method: string,
  path: string,
  body?: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<OracleAnswer>;

/** Raw requests to the real control plane that `KEELSON_TEST_KUBECONFIG` leads to. */
export async function oracle(kubeconfig: string | undefined): Promise<AskOracle> {
  const config = await loadKubeconfig(kubeconfig);
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  return (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, config.server),
        {
          method,
          agent,
          ca: config.ca,
          cert: config.cert,
          key: config.key,
          headers: {
            accept: 'application/json',
            'content-type': 'application/json',
            'user-agent': 'test/1',
            ...headers,
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.once('end', () => {
            const whole = Buffer.concat(chunks);
            const flat = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const);
            resolve({
              code: answer.statusCode ?? 0,
              headers: Object.fromEntries(flat),
              text: whole.toString(),
              body: whole,
            });
          });
          answer.once('error', reject);
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
}

/** Where two values differ, a line a place. */
export function differences(ours: unknown, theirs: unknown, at = ''): string[] {
  if (isJson(ours) && isJson(theirs)) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    return [...keys].flatMap((key) => differences(ours[key], theirs[key], `${at}.${key}`));
  }
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
    return ours.flatMap((each: unknown, index) => differences(each, theirs[index], `${at}[${index}]`));
  }
  const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return left === right ? [] : [`${at}: ours ${left?.slice(0, 300)}, theirs ${right?.slice(0, 300)}`];
}

/** Where objects of a kind are made; namespaced ones in `default`. */
export function collectionPath({ group, version, resource, scope }: TableResource): string {
  const base = `${group === '' ? '/api' : `/apis/${group}`}/${version}`;
  return `${base}/${scope === 'Namespaced' ? 'namespaces/default/' : ''}${resource}`;
}
