import { deepEqual, IPAddress, ServiceCIDR, validateDnsSubdomain, validatePathSegment } from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { isIp } from '../checks.ts';
import { goValue } from '../go-value.ts';
import { canonicalAddress, checkCidr, isAnyIp, isV6, networkText, parseCidr } from '../ip-checks.ts';
import { resetMetadata } from '../reset-metadata.ts';

function checkCidrs(spec: ServiceCIDR['spec'], errors: FieldErrors): void {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) {
    errors.required('spec.cidrs', 'at least one CIDR required');
    return;
  }
  if (cidrs.length > 2) {
    errors.invalid('spec.cidrs', { CIDRs: cidrs }, 'may only hold up to 2 values');
    return;
  }
  const [first = '', second] = cidrs;
  const families = [first, second].filter((each) => each !== undefined && parseCidr(each));
  if (families.length === 2 && isV6(first) === isV6(second ?? '')) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    errors.invalid('spec.cidrs', cidrs, why);
  }
  cidrs.forEach((each, index) => {
    const at = `spec.cidrs[${index}]`;
    const from = errors.list.length;
    const parsed = checkCidr(each, at, errors);
    if (parsed && errors.list.length === from && networkText(parsed) !== each) {
      errors.invalid(at, each, `must be in canonical form ("${networkText(parsed)}")`);
    }
  });
}

const serviceCidr = strategyFor(ServiceCIDR, {
  keepsStatusOnCreate: true,
  keepsStatusOnUpdate: true,
  validate({ spec }, errors, old) {
    if (!old) checkCidrs(spec, errors);
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    const cidrs = spec?.cidrs ?? [];
    const before = old?.cidrs ?? [];
    const upgraded = before.length === 1 && cidrs.length === 2;
    if (upgraded) {
      if (cidrs[0] !== before[0]) errors.invalid('spec.cidrs[0]', cidrs[0], 'field is immutable');
      checkCidrs(spec, errors);
      return;
    }
    if (cidrs.length !== before.length) {
      errors.invalid('spec.cidrs', spec?.cidrs ?? hollowMember(spec ?? {}, 'cidrs') ?? null, 'field is immutable');
      return;
    }
    before.forEach((each, index) => {
      if (cidrs[index] !== each) errors.invalid(`spec.cidrs[${index}]`, cidrs[index] ?? '', 'field is immutable');
    });
  },
  prepareStatusUpdate: (object, old) => resetMetadata(object, old),
});

const parentField = 'spec.parentRef';

const ipAddress = strategyFor(IPAddress, {
  generatesNoNames: true,
  nameRule(name) {
    if (/^\d+(\.\d+){3}$/.test(name) && isAnyIp(name) && !isIp(name)) return ['must not have leading 0s'];
    if (!isIp(name)) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
    const canonical = canonicalAddress(name);
    return canonical === name ? [] : [`must be in canonical form ("${canonical}")`];
  },
  validate({ spec }, errors) {
    const parent = spec?.parentRef;
    if (!parent) {
      errors.required(parentField);
      return;
    }
    const { group, resource, name, namespace } = parent;
    if (group) errors.rule(`${parentField}.group`, group, validateDnsSubdomain(group));
    if (!resource) errors.required(`${parentField}.resource`);
    else errors.rule(`${parentField}.resource`, resource, validatePathSegment(resource));
    if (!name) errors.required(`${parentField}.name`);
    else errors.rule(`${parentField}.name`, name, validatePathSegment(name));
    if (namespace) errors.rule(`${parentField}.namespace`, namespace, validatePathSegment(namespace));
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (!deepEqual(spec?.parentRef, old?.parentRef))
      errors.invalid(
        parentField,
        goValue('io.k8s.api.networking.v1.ParentReference', spec?.parentRef ?? null),
        'field is immutable',
      );
  },
});

export const serviceCidrStrategies: readonly NamedStrategy[] = [serviceCidr, ipAddress];
