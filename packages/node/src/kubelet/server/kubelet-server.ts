import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Pod } from '@keelson/core/api';
import type { ContainerRuntime } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import type { NodeCertificate } from '../../contract.ts';
import { podLogDirectoryName } from '../containers/sandbox-config.ts';
import { readLogs } from '../logs/read-logs.ts';
import { newestByName, type RuntimePod } from '../pods/runtime-pod.ts';
import type { RuntimeReader } from '../pods/runtime-reader.ts';
import { formatTime } from '../time.ts';
import { parseLogOptions, RequestError } from './log-options.ts';
import { type CpuSample, cpuSamples, statsSummary } from './stats-summary.ts';
import { tunnelUpgrade } from './upgrade-tunnel.ts';

export interface KubeletServerOptions {
  readonly address: string;
  readonly port: number;
  readonly certificate: NodeCertificate;
  readonly nodeName: string;
  readonly runtime: ContainerRuntime;
  readonly reader: RuntimeReader;
  readonly pods: () => readonly Pod[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the logs of a pod lie, by the name of their directory. */
  readonly podLogs: (directoryName: string) => string;
}

/** What the API server asks a node: logs, exec, attach, port-forward, pods and statistics. Client certificates only. */
export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #server: Server;
  readonly #stop = new AbortController();
  #samples: ReadonlyMap<string, CpuSample> = new Map();

  constructor(options: KubeletServerOptions) {
    this.#options = options;
    const { cert, key, ca } = options.certificate;
    this.#server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
    this.#server.on('request', (request, response) => void this.#handle(request, response));
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  /** Shows another certificate to whoever connects from now on. */
  useCertificate({ cert, key, ca }: NodeCertificate): void {
    this.#server.setSecureContext({ cert, key, ca, minVersion: 'TLSv1.2' });
  }

  get port(): number {
    const address = this.#server.address();
    return isInet(address) ? address.port : 0;
  }

  async listen(signal: AbortSignal): Promise<void> {
    const { address, port } = this.#options;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, address, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.unref();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the kubelet is stopping'));
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the client went away')));
    const signal = AbortSignal.any([gone.signal, this.#stop.signal]);
    try {
      const url = new URL(request.url ?? '/', 'https://node');
      if (url.pathname === '/healthz') return answer(response, 200, 'text/plain; charset=utf-8', 'ok');
      authorize(request);
      await this.#route(url, response, signal);
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof RequestError ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else answer(response, status, 'text/plain; charset=utf-8', `${message}\n`);
    }
  }

  async #route(url: URL, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const [, verb = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    switch (verb) {
      case 'containerLogs':
        return this.#logs(url, rest, response, signal);
      case 'pods':
        return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#options.pods() });
      case 'stats':
        return json(response, await this.#summary(signal));
      case 'metrics':
        return answer(response, 200, 'text/plain; version=0.0.4', await this.#metrics(signal));
      default:
        throw new RequestError(404, '404 page not found');
    }
  }

  async #logs(
    url: URL,
    [namespace = '', podName = '', container = '']: readonly string[],
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, reader } = this.#options;
    const { pod, actual } = await this.#find(namespace, podName, undefined, signal);
    const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])];
    if (!spec.some((each) => each.name === container)) {
      throw new RequestError(404, `container "${container}" not found in pod "${podName}"`);
    }
    const { previous, ...options } = parseLogOptions(url.searchParams, clock.now());
    const runs = actual.containers.filter((each) => each.name === container && each.state !== 'created');
    const run = previous
      ? runs.filter((each) => each.state === 'exited')[runs[0]?.state === 'exited' ? 1 : 0]
      : runs[0];
    if (run === undefined) {
      if (previous)
        throw new RequestError(400, `previous terminated container "${container}" in pod "${podName}" not found`);
      const waiting = pod.status?.containerStatuses?.find((each) => each.name === container)?.state?.waiting?.reason;
      throw new RequestError(
        400,
        `container "${container}" in pod "${podName}" is waiting to start: ${waiting ?? 'ContainerCreating'}`,
      );
    }
    await this.#options.runtime.writeLog?.(run.id);
    const path =
      run.logPath ||
      join(this.#options.podLogs(podLogDirectoryName(pod.metadata)), container, `${run.restartCount}.log`);
    const identity = { uid: actual.uid, name: actual.name, namespace: actual.namespace };
    const running = async () => {
      const now = await reader.read(identity, signal);
      return now.containers.some((each) => each.id === run.id && each.state === 'running');
    };
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' });
    response.flushHeaders();
    for await (const chunk of readLogs(path, options, running, clock, signal)) {
      if (!response.write(chunk)) await drained(response, signal);
    }
    response.end();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      authorize(request);
      const url = new URL(request.url ?? '/', 'https://node');
      tunnelUpgrade(request, socket, head, await this.#streamingUrl(url, this.#stop.signal), this.#stop.signal);
    } catch (error) {
      const status = error instanceof RequestError ? error.status : 500;
      const message = `${error instanceof Error ? error.message : String(error)}\n`;
      socket.end(
        `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Error'}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(message)}\r\nConnection: close\r\n\r\n${message}`,
      );
    }
  }

  /** Where the runtime serves the stream that a request is about; usable once. */
  async #streamingUrl(url: URL, signal: AbortSignal): Promise<string> {
    const { runtimeService } = this.#options.runtime;
    const [, verb, namespace = '', podName = '', ...more] = url.pathname.split('/').map(decodeURIComponent);
    const query = url.searchParams;
    const flag = (...names: readonly string[]) =>
      names.some((name) => query.get(name) === '1' || query.get(name) === 'true');
    const streams = {
      stdin: flag('input', 'stdin'),
      stdout: flag('output', 'stdout'),
      stderr: flag('error', 'stderr'),
      tty: flag('tty'),
    };
    const uid = more.length > 1 ? more[0] : undefined;
    const container = more.at(-1) ?? '';
    if (verb === 'portForward') {
      const { actual } = await this.#find(namespace, podName, more[0], signal);
      const sandbox = actual.sandboxes.find((each) => each.ready);
      if (!sandbox) throw new RequestError(404, `pod "${podName}" has no running sandbox`);
      const port = query.getAll('port').map(Number);
      return (await runtimeService.portForward({ podSandboxId: sandbox.id, port }, signal)).url ?? '';
    }
    if (verb !== 'exec' && verb !== 'attach') throw new RequestError(404, '404 page not found');
    const { actual } = await this.#find(namespace, podName, uid, signal);
    const run = newestByName(actual).get(container);
    if (run?.state !== 'running') throw new RequestError(404, `container not found ("${container}")`);
    const noStderr = streams.tty ? { ...streams, stderr: false } : streams;
    const answered =
      verb === 'exec'
        ? await runtimeService.exec({ containerId: run.id, cmd: query.getAll('command'), ...noStderr }, signal)
        : await runtimeService.attach({ containerId: run.id, ...noStderr }, signal);
    return answered.url ?? '';
  }

  async #find(
    namespace: string,
    name: string,
    uid: string | undefined,
    signal: AbortSignal,
  ): Promise<{ pod: Pod; actual: RuntimePod }> {
    const pod = this.#options
      .pods()
      .find(
        (each) =>
          each.metadata.name === name &&
          each.metadata.namespace === namespace &&
          (uid === undefined || uid === '' || each.metadata.uid === uid),
      );
    if (pod === undefined) throw new RequestError(404, `pod "${name}" not found`);
    const actual = await this.#options.reader.read({ uid: pod.metadata.uid ?? '', name, namespace }, signal);
    return { pod, actual };
  }

  async #summary(signal: AbortSignal): Promise<unknown> {
    const { stats = [] } = await this.#options.runtime.runtimeService.listContainerStats({}, signal);
    const before = this.#samples;
    this.#samples = cpuSamples(stats);
    return statsSummary(this.#options.nodeName, this.#options.pods(), stats, before);
  }

  async #metrics(signal: AbortSignal): Promise<string> {
    const { containers = [] } = await this.#options.runtime.runtimeService.listContainers(
      { filter: { state: { state: 'CONTAINER_RUNNING' } } },
      signal,
    );
    return [
      '# HELP kubelet_running_containers Number of containers currently running',
      '# TYPE kubelet_running_containers gauge',
      `kubelet_running_containers{container_state="running"} ${containers.length}`,
      '# HELP kubelet_running_pods Number of pods that have a running pod sandbox',
      '# TYPE kubelet_running_pods gauge',
      `kubelet_running_pods ${new Set(containers.map((each) => each.podSandboxId)).size}`,
      `# collected at ${formatTime(this.#options.clock.now())}`,
      '',
    ].join('\n');
  }
}

/**
 * Only the API server comes in, by a certificate of the group system:masters: the same authority signs those of other
 * users and of other nodes, who may run nothing here.
 */
function authorize({ socket }: IncomingMessage): void {
  if (!(socket instanceof TLSSocket) || !socket.authorized) throw new RequestError(401, 'Unauthorized');
  const { CN: user, O: groups } = socket.getPeerCertificate().subject;
  if ([groups].flat().includes('system:masters')) return;
  throw new RequestError(403, `Forbidden (user=${user}, resource=nodes, subresource=proxy)`);
}

function isInet(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

function json(response: ServerResponse, body: unknown): void {
  answer(response, 200, 'application/json', JSON.stringify(body));
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
