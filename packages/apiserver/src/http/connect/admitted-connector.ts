import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpRequest } from '../../authentication/index.ts';
import type { ConnectionAdmission } from '../../registry/contract.ts';
import type { Connector, ConnectRequest } from '../connector.ts';
import type { HttpResponse } from '../reply.ts';
import type { ResourceRequest } from '../request-info.ts';

/** Sends connections through admission, with the operation CONNECT, before anything is looked for. Logs are only read. */
export class AdmittedConnector implements Connector {
  readonly #next: Connector;
  readonly #admission: ConnectionAdmission;

  constructor(next: Connector, admission: ConnectionAdmission) {
    this.#next = next;
    this.#admission = admission;
  }

  connects(info: ResourceRequest): boolean {
    return this.#next.connects(info);
  }

  async serve(request: HttpRequest, response: HttpResponse, connect: ConnectRequest): Promise<void> {
    await this.#next.serve(request, response, await this.#admitted(connect));
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, connect: ConnectRequest): Promise<void> {
    await this.#next.upgrade(request, socket, head, await this.#admitted(connect));
  }

  async #admitted(connect: ConnectRequest): Promise<ConnectRequest> {
    const { info, user, signal } = connect;
    const { group, version, resource, subresource, namespace, name = '', rest } = info;
    if (subresource === undefined || subresource === 'log') return connect;
    const asked = { group, version, resource, subresource, name, query: connect.query, signal };
    const admitted = await this.#admission.admitConnection(
      { ...asked, ...(namespace !== undefined && { namespace }), ...(rest !== undefined && { rest }) },
      user,
    );
    const { rest: _rest, ...others } = info;
    const changed = { ...others, ...(admitted.rest !== undefined && { rest: admitted.rest }) };
    return { ...connect, info: changed, query: admitted.query };
  }
}
