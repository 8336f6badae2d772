import {
  ConfigMap,
  createClient,
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
const timesScaled = { watchIdleMs: 5_000, pingEveryMs: 2_000, pingTimeoutMs: 2_000, requestTimeoutMs: 10_000 };

const over =
  (protocol: 'h2' | 'http/1.1'): StartWatcher =>
  async ({ kubeconfig, namespaces }, tell) => {
    const transport = httpTransport(await loadKubeconfig(kubeconfig), {
      ...timesScaled,
      ...(protocol === 'http/1.1' && { protocol }),
    });
    const informers = new InformerFactory({
      client: createClient(transport),
      clock: systemClock,
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

/** Keelson's informers as they are. */
export const startKeelson = over('h2');
export const startKeelsonHttp1 = over('http/1.1');
