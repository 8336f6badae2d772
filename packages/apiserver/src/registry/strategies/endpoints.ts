import {
  deepEqual,
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  Endpoints,
  validateDnsLabel,
  validateDnsSubdomain,
  validateQualifiedName,
} from '@keelson/core';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { checkOneOf, checkPort } from './checks.ts';
import { addressBytes, addressWarnings, checkLegacyAddress } from './ip-checks.ts';

const deprecated = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice';

/** Addresses that mean nothing outside of one host or one link. */
export function checkReachable(ip: string, at: string, errors: FieldErrors): void {
  const bytes = addressBytes(ip);
  if (!bytes) {
    errors.invalid(at, ip, 'must be a valid IP address');
    return;
  }
  const v4 = bytes.length === 4;
  const [first = 0, second = 0, third = 0] = bytes;
  const zeros = (until: number) => bytes.slice(0, until).every((each) => each === 0);
  if (zeros(bytes.length)) errors.invalid(at, ip, `may not be unspecified (${v4 ? '0.0.0.0' : '::'})`);
  if (v4 ? first === 127 : zeros(15) && bytes[15] === 1) {
    errors.invalid(at, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (v4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80) {
    errors.invalid(at, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (v4 ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 2) {
    errors.invalid(at, ip, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}

function validateAddress(address: EndpointAddress, at: string, errors: FieldErrors): void {
  const { ip = '', hostname, nodeName } = address;
  checkLegacyAddress(ip, `${at}.ip`, errors);
  if (hostname) errors.rule(`${at}.hostname`, hostname, validateDnsLabel(hostname));
  if (nodeName !== undefined) errors.rule(`${at}.nodeName`, nodeName, validateDnsSubdomain(nodeName));
  checkReachable(ip, `${at}.ip`, errors);
}

function validatePort(port: EndpointPort, named: boolean, at: string, errors: FieldErrors): void {
  const { name, protocol, appProtocol } = port;
  if (named && !name) errors.required(`${at}.name`);
  else if (name) errors.rule(`${at}.name`, name, validateDnsLabel(name));
  checkPort(`${at}.port`, port.port ?? 0, errors);
  if (!protocol) errors.required(`${at}.protocol`);
  else checkOneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'], errors);
  if (appProtocol !== undefined) errors.rule(`${at}.appProtocol`, appProtocol, validateQualifiedName(appProtocol));
}

function validateSubset(subset: EndpointSubset, at: string, errors: FieldErrors): void {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.required(at, 'must specify `addresses` or `notReadyAddresses`');
  }
  addresses.forEach((each, index) => void validateAddress(each, `${at}.addresses[${index}]`, errors));
  notReadyAddresses.forEach((each, index) => void validateAddress(each, `${at}.notReadyAddresses[${index}]`, errors));
  ports.forEach((each, index) => void validatePort(each, ports.length > 1, `${at}.ports[${index}]`, errors));
}

export const endpointsStrategy = strategyFor(Endpoints, {
  createOnUpdate: true,
  defaults(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  validate(object, errors, old) {
    // What was good enough before is not looked at again.
    if (old && deepEqual(object.subsets ?? [], old.subsets ?? [])) return;
    object.subsets?.forEach((each, index) => void validateSubset(each, `subsets[${index}]`, errors));
  },
  warnings({ subsets = [] }) {
    const found = [deprecated];
    subsets.forEach(({ addresses = [], notReadyAddresses = [] }, index) => {
      addresses.forEach(({ ip }, number) => {
        found.push(...addressWarnings(ip, `subsets[${index}].addresses[${number}].ip`));
      });
      notReadyAddresses.forEach(({ ip }, number) => {
        found.push(...addressWarnings(ip, `subsets[${index}].notReadyAddresses[${number}].ip`));
      });
    });
    return found;
  },
});
