// One client of sdk.mjs in a process of its own: `node --expose-gc sdk-client.mjs CLIENT KUBECONFIG NAMESPACE COUNT [FORM]`.
// It follows the Pods of a namespace. See sdk-probe.mjs for what it says and is asked.
import { npmClient } from '../conformance/npm-clients.mjs';
import { probe } from './sdk-probe.mjs';

const ignored = () => undefined;
const quiet = { debug: ignored, info: ignored, warn: console.error, error: console.error, named: () => quiet };

/** What an informer asks of a client, of a server without streamed lists. */
const withoutStreams = (client, { StatusError }) => ({
  transport: client.transport,
  list: (type, options) => client.list(type, options),
  watchBatches(type, options) {
    if (options.sendInitialEvents) throw StatusError.badRequest('no streamed lists');
    return client.watchBatches(type, options);
  },
});

async function keelsonInformers(kubeconfig, form) {
  const [api, client, informer, machinery] = await Promise.all([
    import('@keelson/core/api'),
    import('@keelson/core/client'),
    import('@keelson/core/informer'),
    import('@keelson/core/machinery'),
  ]);
  const { systemClock: clock, systemRandom: random } = machinery;
  const streams = client.createClient(client.httpTransport(await client.loadKubeconfig(kubeconfig)));
  const informers = new informer.InformerFactory({
    client: form === 'pages' ? withoutStreams(streams, machinery) : streams,
    clock,
    random,
    logger: quiet,
    started: false,
  });
  return { informers, Pod: api.Pod, environment: { clock, random, logger: quiet } };
}

const clients = {
  /** `form`: stream, pages, metadata. */
  async keelson({ kubeconfig, namespace, form = 'stream' }, at) {
    const { informers, Pod } = await keelsonInformers(kubeconfig, form);
    const pods = form === 'metadata' ? informers.metadata(Pod, { namespace }) : informers.for(Pod, { namespace });
    pods.events$.subscribe((event) => {
      if (event.type === 'updated') at.changed(event.object.metadata.annotations);
    });
    at.start();
    informers.start();
    await pods.waitForSync();
    await at.synced(pods.lister.list().length);
    return pods;
  },

  /** A reconciler that reads its object and does nothing. */
  async 'keelson-controller'({ kubeconfig, namespace, count }, at) {
    const { informers, Pod, environment } = await keelsonInformers(kubeconfig, 'stream');
    const { ControllerManager, watch } = await import('@keelson/core/controller');
    const pods = informers.for(Pod, { namespace });
    let first = 0;
    let all;
    const reconciled = new Promise((resolve) => {
      all = resolve;
    });
    const manager = new ControllerManager({
      ...environment,
      controllers: [
        {
          name: 'bench',
          watches: [watch(pods).self()],
          async reconcile(key) {
            const pod = pods.lister.get(key);
            if (first < count) {
              first += 1;
              if (first === count) all();
            } else at.changed(pod?.metadata.annotations);
          },
        },
      ],
    });
    at.start();
    informers.start();
    manager.start();
    await reconciled;
    await at.synced(pods.lister.list().length);
    return manager;
  },

  async 'client-node'({ kubeconfig, namespace }, at) {
    const { CoreV1Api, KubeConfig, makeInformer } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const api = config.makeApiClient(CoreV1Api);
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () =>
      api.listNamespacedPod({ namespace }),
    );
    informer.on('update', (pod) => at.changed(pod.metadata.annotations));
    informer.on('error', (error) => at.say({ error: String(error) }));
    at.start();
    await informer.start();
    await at.synced(informer.list(namespace).length);
    return informer;
  },

  /** Pepr's watch layer. */
  async fluent({ kubeconfig, namespace, count }, at) {
    process.env.KUBECONFIG = kubeconfig;
    const { K8s, kind } = await import(npmClient('kubernetes-fluent-client'));
    let seen = 0;
    let all;
    const there = new Promise((resolve) => {
      all = resolve;
    });
    const watcher = K8s(kind.Pod)
      .InNamespace(namespace)
      .Watch((pod, phase) => {
        if (phase === 'MODIFIED') at.changed(pod.metadata.annotations);
        else if (phase === 'ADDED') {
          seen += 1;
          if (seen === count) all();
        }
      });
    for (const event of ['list_error', 'watch_error', 'network_error', 'give_up'])
      watcher.events.on(event, (error) => at.say({ error: `${event}: ${error}` }));
    const watching = new Promise((resolve) => watcher.events.once('connect', resolve));
    at.start();
    await watcher.start();
    await there;
    await at.synced(seen);
    await watching;
    return watcher;
  },
};

const [name, kubeconfig, namespace, count, form] = process.argv.slice(2);
const at = probe();
// Whatever the client is must stay until the end.
globalThis.kept = await clients[name]({ kubeconfig, namespace, count: Number(count), ...(form && { form }) }, at);
at.say({ watching: true });
