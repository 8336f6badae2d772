import { type Service, validateDnsLabel, validateDnsSubdomain, validateLabels } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkIp, checkOneOf, checkPort, isIp } from './checks.ts';
import { validatePortNumberOrName } from './container-validation.ts';

export function validateService({ spec }: Service, errors: FieldErrors): void {
  const headless = spec.clusterIP === 'None';
  const external = spec.type === 'ExternalName';
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !headless && !external) errors.required('spec.ports');
  if (external) {
    if (spec.clusterIP) errors.forbidden('spec.clusterIPs', 'may not be set for ExternalName services');
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') errors.required('spec.externalName');
    else errors.rule('spec.externalName', name, validateDnsSubdomain(name));
  } else if (spec.clusterIP && !headless && !isIp(spec.clusterIP))
    checkIp('spec.clusterIPs[0]', spec.clusterIP, errors);
  else if (headless && (spec.type === 'NodePort' || spec.type === 'LoadBalancer')) {
    errors.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
  validatePorts({ spec }, errors);
  if (spec.selector) errors.list.push(...validateLabels(spec.selector, 'spec.selector'));
  checkOneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'], errors);
  (spec.externalIPs ?? []).forEach((each, index) => {
    const field = `spec.externalIPs[${index}]`;
    if (checkIp(field, each, errors) && /^127\.|^::1$/.test(each)) {
      errors.invalid(field, each, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
    }
  });
  checkOneOf('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], errors);
  const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0;
  if (spec.externalTrafficPolicy && !outside) {
    errors.invalid(
      'spec.externalTrafficPolicy',
      spec.externalTrafficPolicy,
      'may only be set for externally-accessible services',
    );
  } else checkOneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local'], errors);
  checkOneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'], errors);
  (spec.ipFamilies ?? []).forEach((each, index) => {
    if (each === 'IPv6') errors.invalid(`spec.ipFamilies[${index}]`, each, 'not configured on this cluster');
    else checkOneOf(`spec.ipFamilies[${index}]`, each, ['IPv4', 'IPv6'], errors);
  });
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    errors.invalid(
      'spec.ipFamilyPolicy',
      spec.ipFamilyPolicy,
      'this cluster is not configured for dual-stack services',
    );
  } else
    checkOneOf(
      'spec.ipFamilyPolicy',
      spec.ipFamilyPolicy,
      ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
      errors,
    );
}

function validatePorts({ spec }: Pick<Service, 'spec'>, errors: FieldErrors): void {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    if (!port.name) {
      if (ports.length > 1) errors.required(`${at}.name`);
    } else {
      errors.rule(`${at}.name`, port.name, validateDnsLabel(port.name));
      if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    checkPort(`${at}.port`, port.port, errors);
    checkOneOf(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], errors);
    validatePortNumberOrName(port.targetPort, `${at}.targetPort`, errors);
    if (port.nodePort && (spec.type === 'ClusterIP' || spec.type === 'ExternalName')) {
      errors.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`);
    }
    const key = `${port.protocol ?? ''}/${port.port}`;
    if (numbers.has(key)) {
      errors.duplicate(at, {
        Name: '',
        Protocol: port.protocol ?? '',
        AppProtocol: null,
        Port: port.port,
        TargetPort: 0,
        NodePort: 0,
      });
    }
    numbers.add(key);
  });
}
