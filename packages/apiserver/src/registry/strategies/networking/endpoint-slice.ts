import {
  deepEqual,
  type Endpoint,
  EndpointSlice,
  validateDnsLabel,
  validateDnsSubdomain,
  validateLabelValue,
  validateQualifiedName,
} from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { addressBytes, addressWarnings, canonicalAddress, checkLegacyAddress, isMapped, isV6 } from '../ip-checks.ts';

const addressTypes = ['FQDN', 'IPv4', 'IPv6'];
const protocols = ['SCTP', 'TCP', 'UDP'];

/** IPv4 inside IPv6 is IPv4. */
const isSixth = (address: string) => isV6(address) && !isMapped(addressBytes(address) ?? []);

/** Addresses that lead nowhere else than to whoever uses them. */
export function checkReachable(address: string, at: string, errors: FieldErrors): void {
  const bytes = addressBytes(address);
  if (!bytes) return;
  const [first = 0, second = 0] = bytes;
  const v4 = bytes.length === 4;
  const onlyLast = bytes.slice(0, -1).every((each) => each === 0);
  if (bytes.every((each) => each === 0)) {
    errors.invalid(at, address, `may not be unspecified (${address})`);
  }
  if (v4 ? first === 127 : onlyLast && bytes.at(-1) === 1) {
    errors.invalid(at, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (v4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80) {
    errors.invalid(at, address, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (v4 ? first === 224 && second === 0 && bytes[2] === 0 : first === 0xff && (second & 0x0f) === 2) {
    errors.invalid(at, address, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}

function checkAddresses(endpoint: Endpoint, type: string, at: string, errors: FieldErrors): void {
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) errors.required(`${at}.addresses`, 'must contain at least 1 address');
  else if (addresses.length > 100) errors.tooMany(`${at}.addresses`, addresses.length, 100);
  addresses.forEach((address, index) => {
    const here = `${at}.addresses[${index}]`;
    if (type === 'FQDN') {
      errors.rule(here, address, validateDnsSubdomain(address));
      if (validateDnsSubdomain(address).length === 0 && address.split('.').length < 2) {
        errors.invalid(here, address, 'should be a domain with at least two segments separated by dots');
      }
      return;
    }
    if (type !== 'IPv4' && type !== 'IPv6') return;
    const from = errors.list.length;
    if (!checkLegacyAddress(address, here, errors) || errors.list.length > from) return;
    if (isSixth(address) !== (type === 'IPv6')) {
      errors.invalid(`${at}.addresses`, address, `must be an ${type} address`);
    }
    if (type === 'IPv6' && isV6(address) && canonicalAddress(address) !== address) {
      errors.invalid(here, address, `must be in canonical form ("${canonicalAddress(address)}")`);
    }
    checkReachable(address, here, errors);
  });
}

function checkHints({ hints }: Endpoint, at: string, errors: FieldErrors): void {
  if (!hints) return;
  for (const [field, what] of [
    ['forZones', 8],
    ['forNodes', 8],
  ] as const) {
    const list = hints[field] ?? [];
    const here = `${at}.${field}`;
    if (list.length > what) {
      errors.tooMany(here, list.length, what);
      continue;
    }
    const seen = new Set<string>();
    list.forEach(({ name = '' }, index) => {
      const place = `${here}[${index}].name`;
      if (seen.has(name)) errors.duplicate(place, name);
      else seen.add(name);
      errors.rule(place, name, field === 'forZones' ? validateLabelValue(name) : validateDnsSubdomain(name));
    });
  }
}

function checkEndpoint(endpoint: Endpoint, type: string, at: string, errors: FieldErrors): void {
  checkAddresses(endpoint, type, at, errors);
  const { nodeName, deprecatedTopology: topology = {}, hostname } = endpoint;
  if (nodeName !== undefined) errors.rule(`${at}.nodeName`, nodeName, validateDnsSubdomain(nodeName));
  const entries = Object.entries(topology);
  if (entries.length > 16) errors.tooMany(`${at}.deprecatedTopology`, entries.length, 16);
  for (const [key, value] of entries) {
    errors.rule(`${at}.deprecatedTopology`, key, validateQualifiedName(key));
    errors.rule(`${at}.deprecatedTopology`, value, validateLabelValue(value));
  }
  if (hostname !== undefined) errors.rule(`${at}.hostname`, hostname, validateDnsLabel(hostname));
  checkHints(endpoint, `${at}.hints`, errors);
}

type SlicePort = NonNullable<EndpointSlice['ports']>[number];

function checkPorts(ports: readonly SlicePort[], errors: FieldErrors): void {
  if (ports.length > 20000) {
    errors.tooMany('ports', ports.length, 20000);
    return;
  }
  const names = new Set<string>();
  ports.forEach(({ name = '', protocol, appProtocol }, index) => {
    const at = `ports[${index}]`;
    if (name !== '') errors.rule(`${at}.name`, name, validateDnsLabel(name));
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    else names.add(name);
    if (protocol === undefined) errors.required(`${at}.protocol`);
    else if (!protocols.includes(protocol)) errors.notSupported(`${at}.protocol`, protocol, protocols);
    if (appProtocol !== undefined) {
      errors.rule(`${at}.appProtocol`, appProtocol, validateQualifiedName(appProtocol));
    }
  });
}

const comparable = ({ metadata, ...rest }: EndpointSlice | Draft<EndpointSlice>) => ({
  ...rest,
  labels: metadata.labels ?? {},
});

/** A field of the past: v1 shows what lies there, and takes nothing new. */
function dropTopology({ endpoints }: Draft<EndpointSlice>): void {
  for (const each of endpoints ?? []) delete each.deprecatedTopology;
}

export const endpointSlice = strategyFor(EndpointSlice, {
  defaults(object) {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareCreate(object) {
    object.metadata.generation = 1;
    dropTopology(object);
  },
  prepareUpdate(object, old) {
    // Whatever readers act upon begins a new generation: also the labels, which say whose slice it is.
    if (!deepEqual(comparable(object), comparable(old))) {
      object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
    // Kubernetes counts what it is asked to change, also what it then drops.
    if (!deepEqual(object.endpoints, old.endpoints)) dropTopology(object);
  },
  validate(object, errors, old) {
    const { addressType: type = '' } = object;
    const endpoints = object.endpoints ?? [];
    const ports = object.ports ?? [];
    if (type === '') errors.required('addressType');
    else if (!addressTypes.includes(type)) errors.notSupported('addressType', type, addressTypes);
    checkPorts(ports, errors);
    // What was stored before a rule came may stay.
    if (!old || !deepEqual(object.endpoints, old.endpoints)) {
      if (endpoints.length > 1000) errors.tooMany('endpoints', endpoints.length, 1000);
      else endpoints.forEach((each, index) => void checkEndpoint(each, type, `endpoints[${index}]`, errors));
    }
  },
  validateUpdate(object, old, errors) {
    if (object.addressType !== old.addressType) errors.invalid('addressType', object.addressType, 'field is immutable');
  },
  warnings({ addressType, endpoints }, old) {
    if (!old && addressType === 'FQDN') return ['spec.addressType: FQDN endpoints are deprecated'];
    if (old && deepEqual(old.endpoints, endpoints)) return [];
    return (endpoints ?? []).flatMap((each, index) =>
      (each.addresses ?? []).flatMap((address, place) =>
        addressWarnings(address, `endpoints[${index}].addresses[${place}]`),
      ),
    );
  },
});
