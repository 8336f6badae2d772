import { goQuote } from '../../registry/strategy.ts';
import type { CelLibrary } from '../contract.ts';
import { boolType, intType, stringType } from '../standard-types.ts';
import { CelType } from '../type.ts';
import { CelError, CelObject, type CelValue } from '../value.ts';
import { perCharacter, readingCost } from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { noSuchOverload } from './equality.ts';
import { formatAddress, type IpAddress, IpProblem, isKind, isMapped, parseAddress } from './ip-address.ts';

export const ipType = new CelType<CelIp>('opaque', 'net.IP');

/** An IP address as a value of CEL. */
export class CelIp extends CelObject {
  readonly address: IpAddress;

  constructor(address: IpAddress) {
    super();
    this.address = address;
  }

  get type(): CelType {
    return ipType;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof CelIp)) throw noSuchOverload();
    return this.address.family === other.address.family && this.address.bits === other.address.bits;
  }

  override toString(): string {
    return formatAddress(this.address);
  }
}

/** The address, or what Kubernetes says is wrong with the text. */
export function readIp(text: string): IpAddress | string {
  const address = parseAddress(text);
  const name = goQuote(text);
  if (address instanceof IpProblem) {
    return `IP Address ${name} parse error during conversion from string: ${address.message}`;
  }
  if (address.zone !== '') return `IP address ${name} with zone value is not allowed`;
  if (isMapped(address)) return `IPv4-mapped IPv6 address ${name} is not allowed`;
  return address;
}

function addressOf(text: string): IpAddress {
  const address = readIp(text);
  if (typeof address === 'string') throw new CelError(address);
  return address;
}

const kinds = [
  ['isUnspecified', 'ip_is_unspecified', isKind.unspecified],
  ['isLoopback', 'ip_is_loopback', isKind.loopback],
  ['isLinkLocalMulticast', 'ip_is_link_local_multicast', isKind.linkLocalMulticast],
  ['isLinkLocalUnicast', 'ip_is_link_local_unicast', isKind.linkLocalUnicast],
  ['isGlobalUnicast', 'ip_is_global_unicast', isKind.globalUnicast],
] as const;

/** Kubernetes' functions for addresses: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library */
export const ipLibrary: CelLibrary = {
  name: 'kubernetes.net.ip',
  constants: [{ name: 'net.IP', type: new CelType('type', 'type', [ipType]), value: ipType }],
  functions: [
    named(
      'ip',
      call('string_to_ip', [stringType], ipType, (text) => new CelIp(addressOf(text)), readingCost(0)),
    ),
    named(
      'isIP',
      call('is_ip', [stringType], boolType, (text) => typeof readIp(text) !== 'string', readingCost(0)),
    ),
    named(
      'ip.isCanonical',
      call(
        'ip_is_canonical',
        [stringType],
        boolType,
        (text) => formatAddress(addressOf(text)) === text,
        // Read once and written once.
        readingCost(0, 2 * perCharacter),
      ),
    ),
    named(
      'family',
      method('ip_family', [ipType], intType, ({ address }) => BigInt(address.family)),
    ),
    named(
      'string',
      call('ip_to_string', [ipType], stringType, (ip) => ip.toString()),
    ),
    ...kinds.map(([name, id, test]) =>
      named(
        name,
        method(id, [ipType], boolType, ({ address }) => test(address)),
      ),
    ),
  ],
};
