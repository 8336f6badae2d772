import type { DeviceClaimObject } from '../../api/index.ts';
import { addQuantity, parseQuantity, type Quantity } from '../../machinery/index.ts';
import type { QuotaEvaluator } from './contract.ts';
import { countName, one } from './count-evaluator.ts';

const count = countName('resource.k8s.io', 'resourceclaims');
/** `gpu.example.com.deviceclass.resource.k8s.io/devices`: devices of one class (KEP-4381). */
const ofClass = '.deviceclass.resource.k8s.io/devices';
/** The most devices that a request for all of them can get. */
const mostDevices = 32;

export const resourceClaimEvaluator: QuotaEvaluator<DeviceClaimObject> = {
  group: 'resource.k8s.io',
  resource: 'resourceclaims',
  handles: (operation, subresource) => operation === 'CREATE' && subresource === undefined,
  counts: (name) => name === count || name.endsWith(ofClass),
  usage({ spec }) {
    const usage: Record<string, Quantity> = { [count]: one };
    const add = (className: string, devices: number) => {
      const name = `${className}${ofClass}`;
      usage[name] = addQuantity(usage[name] ?? parseQuantity(0), devices);
    };
    for (const { exactly, firstAvailable } of spec.devices?.requests ?? []) {
      if (exactly) add(exactly.deviceClassName, devicesOf(exactly));
      const most = new Map<string, number>();
      for (const each of firstAvailable ?? []) {
        most.set(each.deviceClassName, Math.max(most.get(each.deviceClassName) ?? 0, devicesOf(each)));
      }
      for (const [className, devices] of most) add(className, devices);
    }
    return usage;
  },
};

function devicesOf(request: { readonly allocationMode?: string; readonly count?: number }): number {
  return request.allocationMode === 'All' ? mostDevices : (request.count ?? 1);
}
