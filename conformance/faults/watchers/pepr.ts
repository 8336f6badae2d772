import { z } from 'zod';
import { npmClient } from '../../npm-clients.mjs';
import type { StartWatcher } from '../contract.ts';
import { told } from './told.ts';

/** As Pepr sets it, but for the silence after which it looks again: scaled as the others' is. */
const watchOptions = { resyncDelaySec: 1, relistIntervalSec: 60, lastSeenLimitSeconds: 5 };

const event = z.looseObject({
  metadata: z
    .looseObject({ namespace: z.string().optional(), name: z.string().optional(), uid: z.string().optional() })
    .optional(),
  data: z.record(z.string(), z.string()).optional(),
});

interface FluentWatcher {
  start(): Promise<unknown>;
  close(): void;
}

/** The part of the package that is used; it is no dependency, so its types are not at hand. */
interface FluentClient {
  readonly kind: { readonly ConfigMap: unknown };
  K8s(model: unknown): {
    InNamespace(namespace: string): {
      Watch(callback: (object: unknown, phase: string) => void, options: object): FluentWatcher;
    };
  };
}

function requireClient(module: unknown): asserts module is FluentClient {
  if (typeof module !== 'object' || module === null || !('K8s' in module) || !('kind' in module))
    throw new TypeError('kubernetes-fluent-client is not what it was');
}

/** Pepr's watch layer. It takes its kubeconfig from the environment. */
export const startPepr: StartWatcher = async ({ kubeconfig, namespaces }, tell) => {
  process.env['KUBECONFIG'] = kubeconfig;
  const module: unknown = await import(npmClient('kubernetes-fluent-client'));
  requireClient(module);
  const watchers = namespaces.map((namespace) =>
    module
      .K8s(module.kind.ConfigMap)
      .InNamespace(namespace)
      .Watch((object, phase) => {
        if (phase !== 'ADDED' && phase !== 'MODIFIED' && phase !== 'DELETED') return;
        const seen = told(phase === 'DELETED' ? 'gone' : 'is', event.parse(object));
        if (seen) tell(seen);
      }, watchOptions),
  );
  await Promise.all(watchers.map((each) => each.start()));
  return {
    restarts: 0,
    async stop() {
      for (const each of watchers) each.close();
    },
  };
};
