import {
  type Clock,
  ConfigMap,
  createClient,
  type HttpTransportOptions,
  httpTransport,
  InformerFactory,
  loadKubeconfig,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import type { StartWatcher } from '../contract.ts';
import { told } from './told.ts';

/** Bookmarks come every minute, and writes far more often: a watch that is silent for so long is half-open. */
const scaled = { watchIdleMs: 5_000, pingEveryMs: 2_000, pingTimeoutMs: 2_000, requestTimeoutMs: 10_000 };

/** Keelson's informers as they are; only the times after which silence is a failure are shorter. */
export const keelsonWatcher =
  (protocol: 'h2' | 'http/1.1', times: HttpTransportOptions = scaled, clock: Clock = systemClock): StartWatcher =>
  async ({ kubeconfig, namespaces }, tell) => {
    const transport = httpTransport(await loadKubeconfig(kubeconfig), {
      ...times,
      ...(protocol === 'http/1.1' && { protocol }),
    });
    const informers = new InformerFactory({
      client: createClient(transport),
      clock,
      random: systemRandom,
      logger: silentLogger,
    });
    for (const namespace of namespaces) {
      informers.for(ConfigMap, { namespace }).events$.subscribe(({ type, object }) => {
        const event = told(type === 'deleted' ? 'gone' : 'is', object);
        if (event) tell(event);
      });
    }
    return {
      restarts: 0,
      async stop() {
        await informers.stop();
        transport.close();
      },
    };
  };
