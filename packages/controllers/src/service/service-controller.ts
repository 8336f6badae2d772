import {
  type Controller,
  type EventRecorder,
  type Informer,
  type Informers,
  type ObjectKey,
  type ReconcileResult,
  Service,
  semanticEqual,
  watch,
} from '@keelson/core';
import { clusterIps, conflictsOf, nodePorts } from './allocation-conflicts.ts';

const byClusterIp = 'clusterIp';
const byNodePort = 'nodePort';

/**
 * Watches over what the API server has allocated: tells a Service whose cluster IP or node port an older one holds too,
 * as after a restore from two backups.
 */
export class ServiceController implements Controller {
  readonly name = 'service';
  readonly watches;
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;

  constructor(informers: Informers, recorder: EventRecorder) {
    this.#recorder = recorder.as('service-controller');
    this.#services = informers.for(Service);
    this.#services.addIndex(byClusterIp, clusterIps);
    this.#services.addIndex(byNodePort, nodePorts);
    this.watches = [
      watch(this.#services)
        .filter((service, event) => event.type !== 'updated' || holdingsChanged(service, event.previous))
        .self(),
    ];
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const { lister } = this.#services;
    const service = lister.get(key);
    if (service === undefined) return undefined;
    const holders = {
      ofIp: (ip: string) => lister.by(byClusterIp, ip),
      ofPort: (port: string) => lister.by(byNodePort, port),
    };
    for (const { reason, message } of conflictsOf(service, holders)) {
      this.#recorder.event(Service, service, 'Warning', reason, message);
    }
    return undefined;
  }
}

function holdingsChanged(service: Service, previous: Service): boolean {
  return (
    !semanticEqual(clusterIps(service), clusterIps(previous)) || !semanticEqual(nodePorts(service), nodePorts(previous))
  );
}
