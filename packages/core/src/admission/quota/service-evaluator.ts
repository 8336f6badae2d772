import type { Service } from '../../api/index.ts';
import { parseQuantity, type Quantity } from '../../machinery/index.ts';
import type { QuotaEvaluator } from './contract.ts';
import { countName, one } from './count-evaluator.ts';

const names = new Set([countName('', 'services'), 'services', 'services.nodeports', 'services.loadbalancers']);

export const serviceEvaluator: QuotaEvaluator<Service> = {
  group: '',
  resource: 'services',
  // An update may change the type.
  handles: (operation, subresource) => subresource === undefined && (operation === 'CREATE' || operation === 'UPDATE'),
  counts: (name) => names.has(name),
  usage({ spec }) {
    const usage: Record<string, Quantity> = { [countName('', 'services')]: one, services: one };
    const ports = spec?.ports ?? [];
    if (spec?.type === 'NodePort') usage['services.nodeports'] = parseQuantity(ports.length);
    if (spec?.type === 'LoadBalancer') {
      const allocated = spec.allocateLoadBalancerNodePorts === false ? ports.filter((each) => each.nodePort) : ports;
      usage['services.nodeports'] = parseQuantity(allocated.length);
      usage['services.loadbalancers'] = one;
    }
    return usage;
  },
};
