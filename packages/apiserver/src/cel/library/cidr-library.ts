import { goQuote } from '../../registry/strategy.ts';
import type { CelLibrary } from '../contract.ts';
import { boolType, intType, stringType } from '../standard-types.ts';
import { CelType } from '../type.ts';
import { CelError, CelObject, type CelValue } from '../value.ts';
import { added, type CallCost, perCharacter, readingCost, sizeEstimate, sizeOf, times } from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { noSuchOverload } from './equality.ts';
import {
  formatPrefix,
  type IpPrefix,
  IpProblem,
  isMapped,
  maskedPrefix,
  parsePrefix,
  prefixContains,
} from './ip-address.ts';
import { CelIp, ipType, readIp } from './ip-library.ts';

export const cidrType = new CelType<CelCidr>('opaque', 'net.CIDR');

/** A network in CIDR notation as a value of CEL. */
export class CelCidr extends CelObject {
  readonly prefix: IpPrefix;

  constructor(prefix: IpPrefix) {
    super();
    this.prefix = prefix;
  }

  get type(): CelType {
    return cidrType;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof CelCidr)) throw noSuchOverload();
    return this.toString() === other.toString();
  }

  /** Whether all of the other network is in this one. */
  holds({ prefix: other }: CelCidr): boolean {
    return this.prefix.length <= other.length && prefixContains(this.prefix, other.address);
  }

  override toString(): string {
    return formatPrefix(this.prefix);
  }
}

const inConversion = 'network address parse error during conversion from string';

/** The network, or what Kubernetes says is wrong with the text. */
function readCidr(text: string): CelCidr | string {
  const prefix = parsePrefix(text);
  if (prefix instanceof IpProblem) return `${inConversion}: ${inConversion}: ${prefix.message}`;
  if (isMapped(prefix.address)) {
    return `${inConversion}: IPv4-mapped IPv6 address ${goQuote(text)} is not allowed`;
  }
  return new CelCidr(prefix);
}

function cidr(text: string): CelCidr {
  const found = readCidr(text);
  if (typeof found === 'string') throw new CelError(found);
  return found;
}

function containsIpText(cidr: CelCidr, text: string): boolean {
  const address = readIp(text);
  if (typeof address === 'string') throw noSuchOverload();
  return prefixContains(cidr.prefix, address);
}

/** Bytes of the mask: what looking whether something is in a network is paid by, twice for both addresses. */
const maskBytes = (value: CelValue | undefined): number =>
  value instanceof CelCidr ? Math.ceil(value.prefix.length / 8) : 0;

const anyMask = { min: 1, max: 16 };

/** `withMask` where two masks are compared besides. A second argument that is a text is read. */
function containsCost({ withMask, isText }: { readonly withMask: boolean; readonly isText: boolean }): CallCost {
  const mask = times(anyMask, 2 * perCharacter);
  const compared = withMask ? added(times(anyMask, perCharacter), { min: 1, max: 1 }) : { min: 0, max: 0 };
  return {
    estimate: (args) => {
      const read = isText ? times(sizeEstimate(args[1]), perCharacter) : { min: 0, max: 0 };
      return { cost: added(added(mask, compared), read) };
    },
    cost: ([network, other]) => {
      const bytes = maskBytes(network);
      const read = typeof other === 'string' ? Math.ceil(sizeOf(other) * perCharacter) : 0;
      const masks = withMask ? Math.ceil(bytes * perCharacter) + 1 : 0;
      return Math.ceil(bytes * 2 * perCharacter) + masks + read;
    },
  };
}

/** Kubernetes' functions for networks: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-cidr-library */
export const cidrLibrary: CelLibrary = {
  name: 'kubernetes.net.cidr',
  constants: [{ name: 'net.CIDR', type: new CelType('type', 'type', [cidrType]), value: cidrType }],
  functions: [
    named('cidr', call('string_to_cidr', [stringType], cidrType, cidr, readingCost(0))),
    named(
      'isCIDR',
      call('is_cidr', [stringType], boolType, (text) => typeof readCidr(text) !== 'string', readingCost(0)),
    ),
    named(
      'containsIP',
      method(
        'cidr_contains_ip_string',
        [cidrType, stringType],
        boolType,
        containsIpText,
        containsCost({ withMask: false, isText: true }),
      ),
      method(
        'cidr_contains_ip_ip',
        [cidrType, ipType],
        boolType,
        ({ prefix }, { address }) => prefixContains(prefix, address),
        containsCost({ withMask: false, isText: false }),
      ),
    ),
    named(
      'containsCIDR',
      method(
        'cidr_contains_cidr_string',
        [cidrType, stringType],
        boolType,
        (network, text) => network.holds(cidr(text)),
        containsCost({ withMask: true, isText: true }),
      ),
      method(
        'cidr_contains_cidr',
        [cidrType, cidrType],
        boolType,
        (network, other) => network.holds(other),
        containsCost({ withMask: true, isText: false }),
      ),
    ),
    named(
      'ip',
      method('cidr_ip', [cidrType], ipType, ({ prefix }) => new CelIp(prefix.address)),
    ),
    named(
      'masked',
      method('cidr_masked', [cidrType], cidrType, ({ prefix }) => new CelCidr(maskedPrefix(prefix))),
    ),
    named(
      'prefixLength',
      method('cidr_prefix_length', [cidrType], intType, ({ prefix }) => BigInt(prefix.length)),
    ),
    named(
      'string',
      call('cidr_to_string', [cidrType], stringType, (network) => network.toString()),
    ),
  ],
};
