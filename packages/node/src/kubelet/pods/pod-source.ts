import { Pod } from '@keelson/core/api';
import type { Informer, InformerEvent, Informers } from '@keelson/core/informer';

export type PodChange = (event: InformerEvent<Pod>) => void;

/** The pods of one node, as the API has them. */
export interface PodSource {
  pods(): readonly Pod[];
  get(key: string): Pod | undefined;
  waitForSync(signal: AbortSignal): Promise<void>;
  /** @returns ends the subscription */
  subscribe(change: PodChange): () => void;
}

const indexName = 'kubelet.spec.nodeName';
const nodeNameOf = (pod: Pod): readonly string[] => (pod.spec.nodeName ? [pod.spec.nodeName] : []);

/**
 * One informer for all kubelets of a process: an event costs one look-up of its node, however many nodes there are.
 */
export class SharedPods {
  readonly #informer: Informer<Pod>;
  readonly #subscribers = new Map<string, PodChange>();

  constructor(informers: Informers) {
    this.#informer = informers.for(Pod);
    this.#informer.addIndex(indexName, nodeNameOf);
    this.#informer.events$.subscribe((event) => {
      const node = event.object.spec.nodeName;
      if (node) this.#subscribers.get(node)?.(event);
    });
  }

  of(nodeName: string): PodSource {
    return {
      pods: () => this.#informer.lister.by(indexName, nodeName),
      get: (key) => this.#informer.lister.get(key),
      waitForSync: (signal) => this.#informer.waitForSync(signal),
      subscribe: (change) => {
        this.#subscribers.set(nodeName, change);
        return () => {
          this.#subscribers.delete(nodeName);
        };
      },
    };
  }
}

/** An informer of the node's own, for a kubelet that is alone in its process: the API sends it nothing else. */
export function ownPods(informers: Informers, nodeName: string): PodSource {
  const informer = informers.for(Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  return {
    pods: () => informer.lister.list(),
    get: (key) => informer.lister.get(key),
    waitForSync: (signal) => informer.waitForSync(signal),
    subscribe: (change) => {
      const subscription = informer.events$.subscribe(change);
      return () => subscription.unsubscribe();
    },
  };
}
