import {
  type Client,
  Clients,
  type Clock,
  ClusterRole,
  ClusterRoleBinding,
  type ControllerManager,
  definePlugin,
  InformerFactory,
  Informers,
  Lifecycles,
  type Logger,
  type Operator,
  systemRandom,
} from '@keelson/core';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  createHost,
  developmentPlugin,
  eventRecorderPlugin,
  type Host,
  Manager,
  PredecessorManager,
  SharedInformers,
  StatusPorts,
  statusPlugin,
  userOf,
  webhooksPlugin,
} from '@keelson/core/host';

export interface OperatorSessionOptions {
  readonly clients: Clients;
  /** An administrator's: gives operators the rights that they declare. */
  readonly admin: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where health and traces are served, as of `runOperator`; one that is taken is told in the log. Default: nowhere. */
  readonly health?: string | number | boolean;
}

const fieldManager = 'keelson-dev';
/** As whom the caches are read, whichever operators there are. */
const reader = {
  name: 'dev',
  rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
};

/**
 * Runs operators beside a cluster and swaps them for others while their caches and queues go on: what the new ones watch
 * is there at once, what waits for them goes first, and then every object is reconciled by the new code. Each operator
 * has its own rights, as in production.
 */
export class OperatorSession {
  readonly #options: OperatorSessionOptions;
  readonly #informers: InformerFactory;
  #host: Host | undefined;
  /** Of the last operators that ran. */
  #manager: ControllerManager | undefined;

  constructor(options: OperatorSessionOptions) {
    this.#options = options;
    const { clients, clock, logger } = options;
    const client = clients.as({ name: userOf(reader) });
    // They begin when the first definitions are installed: what they are about may not be served before.
    this.#informers = new InformerFactory({ client, clock, random: systemRandom, logger, started: false });
  }

  /**
   * Stops the operators that run, when they have ended what they are at, and starts these.
   * @throws Error when one does not start; then none runs
   */
  async replace(operators: readonly Operator[]): Promise<void> {
    await this.#host?.stop();
    this.#host = undefined;
    for (const each of [reader, eventRecorderPlugin, webhooksPlugin, statusPlugin, ...operators])
      await this.#grant(each);
    const { clients, clock, logger, health = false } = this.#options;
    const shared = definePlugin({
      name: 'cluster',
      register: ({ provide }) => {
        provide.value(Clients, clients);
        provide.value(Informers, this.#informers);
        provide.value(SharedInformers, this.#informers);
        if (this.#manager) provide.value(PredecessorManager, this.#manager);
        provide.value(Lifecycles, {
          name: 'informers',
          phase: 'informers' as const,
          start: async () => this.#informers.start(),
        });
      },
    });
    const host = createHost({
      plugins: [
        shared,
        eventRecorderPlugin,
        webhooksPlugin,
        controllerManagerPlugin,
        developmentPlugin,
        ...(health === false ? [] : [statusPlugin]),
        ...operators,
      ] as readonly AnyPlugin[],
      ...(health !== false && { options: { status: { health, optional: true } } }),
      clock,
      logger,
    });
    await host.start();
    this.#host = host;
    this.#manager = host.get(Manager);
  }

  /** Where health and traces are served by those that run; `undefined`: nowhere. */
  get healthPort(): number | undefined {
    return this.#options.health === undefined || this.#options.health === false
      ? undefined
      : this.#host?.get(StatusPorts).health;
  }

  async stop(): Promise<void> {
    await this.#host?.stop();
    await this.#informers.stop();
  }

  async #grant(plugin: Pick<Operator, 'name' | 'user' | 'rules'>): Promise<void> {
    const { admin } = this.#options;
    const name = `keelson-dev:${plugin.name}`;
    const options = { fieldManager, force: true };
    const metadata = { name };
    await admin.patch(ClusterRole, metadata, { apply: { metadata, rules: plugin.rules ?? [] }, ...options });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: userOf(plugin) }];
    await admin.patch(ClusterRoleBinding, metadata, { apply: { metadata, roleRef, subjects }, ...options });
  }
}
