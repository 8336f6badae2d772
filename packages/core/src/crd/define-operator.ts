import type { CustomResourceDefinition, KubernetesObject, ResourceType } from '../api/index.ts';
import { Client } from '../client/index.ts';
import { Controllers, EventRecorder } from '../controller/index.ts';
import { Informers } from '../informer/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { Clock, HealthChecks, Lifecycles, Logger, optional, type Plugin, Random } from '../plugin/index.ts';
import { ClusterName, ClusterPeers } from './cluster-peers.ts';
import { DeclaredAccess, leastPrivilege } from './declared-access.ts';
import { dependentMaker } from './dependent.ts';
import { OperatorController, ownedBy } from './operator-controller.ts';
import type { OperatorDefinition } from './operator-definition.ts';
import { DependentSet } from './run-dependents.ts';
import { conversionPath, convertedBy, definitionLifecycle } from './serve-definition.ts';
import { webhooksLifecycle, webhooksServed } from './serve-webhooks.ts';
import { type Installation, webhookConfigurations, webhookRules } from './webhook-configurations.ts';
import { type WebhookInstaller, Webhooks } from './webhooks.ts';
import { webhooksOf } from './webhooks-of.ts';

/** A plugin like any other, for a host; or for `runOperator`, which makes the host. */
export interface Operator extends Plugin<undefined> {
  /** What it installs before it begins. */
  readonly crds: readonly CustomResourceDefinition[];
  /** What is installed for its webhooks, for those who do that in its place, as `keelson manifests` does. */
  readonly installation: Installation;
}

const operatorName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/**
 * An operator in one piece: what it is for, what it owns, and how it reconciles.
 *
 * @example
 * export default defineOperator({
 *   name: 'website',
 *   for: Website,
 *   owns: [Deployment],
 *   async reconcile(site, { apply, setStatus }) {
 *     const deployment = await apply(Deployment, { spec: deploymentFor(site) });
 *     setStatus({ ready: deployment.status?.readyReplicas ?? 0 });
 *   },
 * });
 * @throws TypeError when its name cannot be one, it does nothing, or its dependents have no order
 */
export function defineOperator<
  T extends KubernetesObject,
  Name extends string = never,
  Owned extends ResourceType = ResourceType,
>(definition: OperatorDefinition<T, Name, Owned>): Operator {
  const { name, references = [], uses = [], rules = [] } = definition;
  if (!operatorName.test(name) || name.length > 63) {
    throw new TypeError(
      `the operator's name "${name}" must be of lower case letters, digits, "-" and ".", such as "website": finalizers and Leases are named after it`,
    );
  }
  const { crd, conversion } = definition.for;
  const dependents = new DependentSet<T>(name, definition.dependents?.(dependentMaker<T>()) ?? {});
  const of = webhooksOf(definition);
  const reconciles = definition.reconcile !== undefined || dependents.size > 0;
  if (!reconciles && of.webhooks.length === 0) {
    throw new TypeError(`the operator "${name}" has neither dependents nor a reconcile function nor webhooks`);
  }
  const rulesWhen = (installedBy: WebhookInstaller) =>
    leastPrivilege({
      for: definition.for,
      owns: ownedBy(definition, dependents),
      references: references.map((each) => each.type),
      uses,
      rules,
      crd: crd?.metadata.name,
      installsCrd: !conversion || installedBy !== 'cert-manager',
      reconciles,
      webhooks: webhookRules(of, installedBy),
    });
  const needed = rulesWhen('operator');
  const access = new DeclaredAccess(name, needed);
  return {
    name,
    rules: needed,
    crds: crd ? [crd] : [],
    installation: {
      rulesWhen,
      isAsked: of.webhooks.length > 0 || conversion !== undefined,
      crdsWith: (at) => (crd ? [conversion ? convertedBy(crd, at(conversionPath(crd))) : crd] : []),
      webhooksWith: (at) => webhookConfigurations(of, at),
    },
    register({ provide }) {
      // Before the kind is there, so that none of its objects is unasked about.
      if (of.webhooks.length > 0) {
        const served = { now: false };
        provide.value(HealthChecks, webhooksServed(of, served));
        provide.factory(
          Lifecycles,
          (client: Client, webhooks: Webhooks | undefined, informers: Informers, logger: Logger) =>
            webhooksLifecycle(
              of,
              client,
              webhooks,
              { client: access.client(client), informers: access.informers(informers), logger },
              served,
            ),
          [Client, optional(Webhooks), Informers, Logger],
        );
      }
      if (crd) {
        provide.factory(
          Lifecycles,
          (client: Client, webhooks: Webhooks | undefined) => definitionLifecycle(crd, conversion, client, webhooks),
          [Client, optional(Webhooks)],
        );
      }
      if (!reconciles) return;
      provide.factory(
        Controllers,
        (
          client: Client,
          informers: Informers,
          recorder: EventRecorder,
          logger: Logger,
          clock: ClockContract,
          random: RandomContract,
          cluster: string | undefined,
          peers: ClusterPeers | undefined,
        ) => {
          const environment = { client, cluster, peers, informers, recorder: recorder.as(name), logger, clock, random };
          return new OperatorController(definition, dependents, access, environment);
        },
        [Client, Informers, EventRecorder, Logger, Clock, Random, optional(ClusterName), optional(ClusterPeers)],
      );
    },
  };
}
