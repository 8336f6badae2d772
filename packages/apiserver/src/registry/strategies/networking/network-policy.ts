import { NetworkPolicy, type NetworkPolicyPeer, type NetworkPolicyPort, validatePortName } from '@keelson/core';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { checkPort, checkSelector } from '../checks.ts';
import { checkLegacyCidr, cidrWarnings, contains } from '../ip-checks.ts';

const protocols = ['TCP', 'UDP', 'SCTP'];

function checkPolicyPort({ protocol, port, endPort }: NetworkPolicyPort, at: string, errors: FieldErrors): void {
  if (protocol !== undefined && !protocols.includes(protocol))
    errors.notSupported(`${at}.protocol`, protocol, protocols);
  if (typeof port === 'number') {
    checkPort(`${at}.port`, port, errors);
    if (endPort === undefined) return;
    if (endPort < port) errors.invalid(`${at}.endPort`, port, 'must be greater than or equal to `port`');
    checkPort(`${at}.endPort`, endPort, errors);
  } else if (port !== undefined) {
    if (endPort !== undefined)
      errors.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric');
    errors.rule(`${at}.port`, port, validatePortName(port));
  } else if (endPort !== undefined) {
    errors.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified');
  }
}

function checkPeer(peer: NetworkPolicyPeer, at: string, errors: FieldErrors): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  let count = 0;
  if (podSelector) {
    count++;
    checkSelector(podSelector, `${at}.podSelector`, errors);
  }
  if (namespaceSelector) {
    count++;
    checkSelector(namespaceSelector, `${at}.namespaceSelector`, errors);
  }
  if (ipBlock) {
    count++;
    checkBlock(ipBlock, `${at}.ipBlock`, errors);
  }
  if (count === 0) errors.required(at, 'must specify a peer');
  else if (count > 1 && ipBlock) errors.forbidden(at, 'may not specify both ipBlock and another peer');
}

function checkBlock(
  { cidr = '', except = [] }: NonNullable<NetworkPolicyPeer['ipBlock']>,
  at: string,
  errors: FieldErrors,
): void {
  if (cidr === '') {
    errors.required(`${at}.cidr`);
    return;
  }
  const from = errors.list.length;
  const outer = checkLegacyCidr(cidr, `${at}.cidr`, errors);
  if (errors.list.length > from || !outer) return;
  except.forEach((each, index) => {
    const here = `${at}.except[${index}]`;
    const start = errors.list.length;
    const inner = checkLegacyCidr(each, here, errors);
    if (errors.list.length > start || !inner) return;
    if (!contains(outer, inner) || inner.bits <= outer.bits) {
      errors.invalid(here, each, 'must be a strict subset of `cidr`');
    }
  });
}

const cidrsOf = ({ spec }: NetworkPolicy) =>
  [
    ...(spec?.ingress ?? []).flatMap((each) => each.from ?? []),
    ...(spec?.egress ?? []).flatMap((each) => each.to ?? []),
  ].flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));

export const networkPolicy = strategyFor(NetworkPolicy, {
  generation: 'spec',
  hollowChanges: true,
  defaults({ spec }) {
    if (!spec) return;
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    }
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate: checkPolicy,
  validateUpdate: (object, _old, errors) => checkPolicy(object, errors),
  warnings({ spec }, old) {
    const before = new Set(old ? cidrsOf(old) : []);
    return blocksOf(spec).flatMap(([at, each]) => (before.has(each) ? [] : cidrWarnings(each, at)));
  },
});

function checkPolicy({ spec }: NetworkPolicy, errors: FieldErrors): void {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = spec ?? {};
  checkSelector(podSelector, 'spec.podSelector', errors);
  ingress.forEach(({ ports = [], from = [] }, index) => {
    const at = `spec.ingress[${index}]`;
    ports.forEach((each, place) => void checkPolicyPort(each, `${at}.ports[${place}]`, errors));
    from.forEach((each, place) => void checkPeer(each, `${at}.from[${place}]`, errors));
  });
  egress.forEach(({ ports = [], to = [] }, index) => {
    const at = `spec.egress[${index}]`;
    ports.forEach((each, place) => void checkPolicyPort(each, `${at}.ports[${place}]`, errors));
    to.forEach((each, place) => void checkPeer(each, `${at}.to[${place}]`, errors));
  });
  if (policyTypes.length > 2) {
    errors.invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes');
    return;
  }
  policyTypes.forEach((each, index) => {
    if (each !== 'Ingress' && each !== 'Egress') {
      errors.notSupported(`spec.policyTypes[${index}]`, each, ['Ingress', 'Egress']);
    }
  });
}

function blocksOf(spec: NetworkPolicy['spec']): readonly (readonly [string, string])[] {
  const peers = [
    ...(spec?.ingress ?? []).map((each, at) => [`spec.ingress[${at}].from`, each.from ?? []] as const),
    ...(spec?.egress ?? []).map((each, at) => [`spec.egress[${at}].to`, each.to ?? []] as const),
  ];
  return peers.flatMap(([at, list]) =>
    list.flatMap(({ ipBlock }, index): (readonly [string, string])[] => {
      if (!ipBlock) return [];
      const here = `${at}[${index}].ipBlock`;
      const except = (ipBlock.except ?? []).map((each, place) => [`${here}.except[${place}]`, each] as const);
      return [[`${here}.cidr`, ipBlock.cidr], ...except];
    }),
  );
}
