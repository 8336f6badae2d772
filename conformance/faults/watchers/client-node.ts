import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from '@kubernetes/client-node';
import type { StartWatcher, Told } from '../contract.ts';
import { told } from './told.ts';

/** What its documentation shows for the `error` handler: to start again after five seconds. */
const restartMs = 5_000;

const started =
  (restarting: boolean): StartWatcher =>
  async ({ kubeconfig, namespaces }, tell) => {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const api = config.makeApiClient(CoreV1Api);
    let restarts = 0;
    let stopped = false;
    const informers = namespaces.map((namespace) => {
      const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
        api.listNamespacedConfigMap({ namespace }),
      );
      const pass = (type: Told['type']) => (object: V1ConfigMap) => {
        const event = told(type, object);
        if (event) tell(event);
      };
      informer.on('add', pass('is'));
      informer.on('update', pass('is'));
      informer.on('delete', pass('gone'));
      informer.on('error', () => {
        if (!restarting) return;
        restarts += 1;
        setTimeout(() => {
          if (!stopped) void informer.start();
        }, restartMs);
      });
      return informer;
    });
    await Promise.all(informers.map((each) => each.start()));
    return {
      get restarts() {
        return restarts;
      },
      async stop() {
        stopped = true;
        await Promise.all(informers.map((each) => each.stop()));
      },
    };
  };

/** With the `error` handler that its documentation shows. */
export const startClientNode = started(true);
/** With nothing but handlers of events. */
export const startClientNodePlain = started(false);
