import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Dns, type Records, RemoteZone } from './dns.ts';

/** A refusal, with the status that says so over HTTP. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A provider of DNS in memory. Everybody with the token may change its zones. */
export class DnsProvider implements Dns {
  readonly zones: RemoteZone[] = [];
  #version = 0;

  async find(token: string, domain: string): Promise<RemoteZone | undefined> {
    check(token);
    return this.zones.find((each) => each.domain === domain);
  }

  async create(token: string, zone: Pick<RemoteZone, 'domain' | 'comment' | 'records'>): Promise<RemoteZone> {
    if (await this.find(token, zone.domain)) throw new Refusal(409, `${zone.domain} exists`);
    if (zone.domain.endsWith('.invalid')) throw new Refusal(422, 'such names are not sold');
    return this.#put({ ...zone, nameservers: ['ns1.dns.test', 'ns2.dns.test'] });
  }

  async replace(token: string, { domain, version }: Pick<RemoteZone, 'domain' | 'version'>, records: Records) {
    const found = await this.find(token, domain);
    if (!found) throw new Refusal(404, `there is no ${domain}`);
    if (found.version !== version) throw new Refusal(412, `it is at version ${found.version}, not ${version}`);
    return this.#put({ ...found, records });
  }

  async remove(token: string, domain: string): Promise<void> {
    check(token);
    const at = this.zones.findIndex((each) => each.domain === domain);
    if (at >= 0) this.zones.splice(at, 1);
  }

  #put(zone: Omit<RemoteZone, 'version'>): RemoteZone {
    this.#version += 1;
    const put = { ...zone, version: `v${this.#version}` };
    const at = this.zones.findIndex((each) => each.domain === zone.domain);
    this.zones.splice(at < 0 ? this.zones.length : at, 1, put);
    return put;
  }
}

export const token = 'open sesame';

function check(shown: string): void {
  if (shown !== token) throw new Refusal(401, 'who are you?');
}

/** What happens to the next request of a method, before it takes effect or after. */
export interface HttpFault {
  readonly method: string;
  readonly fault: 'cut before' | 'cut after' | 'never answered' | number;
  readonly retryAfter?: number;
}

/** Serves it over HTTP on loopback, with faults. */
export class DnsServer {
  readonly provider = new DnsProvider();
  readonly faults: HttpFault[] = [];
  readonly requests: { readonly method: string; readonly status: number | string; readonly at: number }[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    const address: AddressInfo | string | null = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const at = this.faults.findIndex((each) => each.method === method);
    const [planned] = at < 0 ? [] : this.faults.splice(at, 1);
    const done = (status: number | string) => this.requests.push({ method, status, at: performance.now() });
    if (planned && planned.fault !== 'cut after') {
      done(planned.fault);
      if (planned.fault === 'never answered') return;
      if (planned.fault === 'cut before') return void request.socket.destroy();
      const headers = planned.retryAfter === undefined ? {} : { 'retry-after': `${planned.retryAfter}` };
      return void response.writeHead(planned.fault, headers).end('as planned');
    }
    const [status, body] = await this.#handle(method, request);
    done(planned ? 'cut after' : status);
    if (planned) return void request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }

  async #handle(method: string, request: IncomingMessage): Promise<readonly [number, string]> {
    const [, collection, domain = '', part] = (request.url ?? '').split('/').map(decodeURIComponent);
    const shown = request.headers.authorization?.replace('Bearer ', '') ?? '';
    try {
      if (collection !== 'zones') throw new Refusal(404, 'there are only zones');
      const { provider } = this;
      if (method === 'DELETE') {
        await provider.remove(shown, domain);
        return [204, ''];
      }
      const answer =
        method === 'POST'
          ? await provider.create(shown, New.parse(await bodyOf(request)))
          : method === 'PUT' && part === 'records'
            ? await provider.replace(
                shown,
                { domain, version: versionIn(request) },
                Put.parse(await bodyOf(request)).records,
              )
            : await provider.find(shown, domain);
      return answer ? [200, JSON.stringify(answer)] : [404, 'not found'];
    } catch (error) {
      if (error instanceof Refusal) return [error.status, error.message];
      throw error;
    }
  }
}

const New = RemoteZone.pick({ domain: true, comment: true, records: true });
const Put = RemoteZone.pick({ records: true });
const versionIn = (request: IncomingMessage) => (request.headers['if-match'] ?? '').replaceAll('"', '');

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}
