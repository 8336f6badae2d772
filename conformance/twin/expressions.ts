import type { Rng } from './rng.ts';

/** What expressions of a policy can be about, beside the object itself. */
export interface Surroundings {
  /** Whether there are parameters with the annotations `max` and `word`. */
  readonly params: boolean;
  /** Variables that hold a truth, a number and a text. */
  readonly variables: readonly { readonly name: string; readonly type: 'bool' | 'int' | 'string' }[];
}

type Make = () => string;

/** Random expressions in CEL over what an admission policy sees: most can be evaluated, for some objects. */
export class Expressions {
  readonly #rng: Rng;
  readonly #around: Surroundings;

  constructor(rng: Rng, around: Surroundings) {
    this.#rng = rng;
    this.#around = around;
  }

  #pick(makes: readonly Make[]): string {
    return this.#rng.pick(makes)();
  }

  #variable(type: string, other: Make): string {
    const fitting = this.#around.variables.filter((each) => each.type === type);
    return fitting.length === 0 ? other() : `variables.${this.#rng.pick(fitting).name}`;
  }

  bool(depth = 2): string {
    const rng = this.#rng;
    const more = (): string => (depth > 0 ? this.bool(depth - 1) : this.#plainBool());
    return this.#pick([
      () => this.#plainBool(),
      () => this.#plainBool(),
      () => this.#library(depth),
      () => this.#library(depth),
      () => `!(${more()})`,
      () => `(${more()}) ${rng.pick(['&&', '||'])} (${more()})`,
      () => `(${more()}) ? (${more()}) : (${more()})`,
      () => `cel.bind(it, ${this.string(depth)}, it == ${this.string(depth)} || it.size() > ${rng.int(5)})`,
      () => this.#variable('bool', () => this.#plainBool()),
    ]);
  }

  #plainBool(): string {
    const rng = this.#rng;
    const compare = () => rng.pick(['==', '!=', '<', '<=', '>', '>=']);
    return rng.pick<Make>([
      () => `${this.int(1)} ${compare()} ${this.int(1)}`,
      () => `${this.string(1)} ${rng.pick(['==', '!='])} ${this.string(1)}`,
      () => `${this.string(1)}.${rng.pick(['startsWith', 'endsWith', 'contains'])}(${this.string(0)})`,
      () => `${this.string(0)} in ${this.strings(1)}`,
      () => `has(${this.#place()})`,
      () => `request.operation ${rng.pick(['==', '!='])} ${rng.pick(['"CREATE"', '"UPDATE"', '"DELETE"'])}`,
      () => rng.pick(['oldObject == null', 'object == null', 'oldObject != null && object != null']),
      () => `request.${rng.pick(['subResource == ""', 'subResource == "status"', 'kind.kind == "Scale"', 'dryRun'])}`,
      () => `request.${rng.pick(['userInfo.username == "admin"', 'resource.resource == "things"', 'name == "b"'])}`,
      () => `${this.strings(1)}.${rng.pick(['exists', 'all', 'exists_one'])}(x, x ${compare()} ${this.string(0)})`,
      () => `object.metadata.name ${rng.pick(['!=', '=='])} ${rng.pick(['"a"', '"b"', '"c"'])}`,
      () => `object.spec.replicas ${compare()} ${rng.int(6)}`,
      () => 'object == oldObject',
      () => 'object.spec == oldObject.spec',
    ])();
  }

  /** A truth by way of one of Kubernetes' libraries or of CEL's extensions. */
  #library(depth: number): string {
    const rng = this.#rng;
    const text = () => this.string(Math.max(0, depth - 1));
    const version = () => rng.pick(['"1.2.3"', '"1.10.0-rc1"', '"v1"', text()]);
    const amount = () => rng.pick(['"1"', '"1Gi"', '"500m"', '"-3k"', '"1e3"', text()]);
    const address = () => rng.pick(['"10.0.0.1"', '"::1"', '"2001:db8::1"', '"10.0.0.256"', text()]);
    const net = () => rng.pick(['"10.0.0.0/8"', '"10.0.0.1/24"', '"2001:db8::/32"', text()]);
    const link = () => rng.pick(['"https://a.example.com:80/x?y=z"', '"/x"', '"http://[::1]/"', text()]);
    const who = () =>
      rng.pick(['authorizer', 'authorizer.serviceAccount("{{ns}}", "default")', 'authorizer.serviceAccount("x", "y")']);
    return rng.pick<Make>([
      () => `is${rng.pick(['Quantity', 'IP', 'CIDR', 'URL', 'Semver'])}(${text()})`,
      () => `quantity(${amount()}).${rng.pick(['isGreaterThan', 'isLessThan'])}(quantity(${amount()}))`,
      () => `quantity(${amount()}).${rng.pick(['add', 'sub'])}(${rng.int(3)}).isInteger()`,
      () => `quantity(${amount()}).compareTo(quantity(${amount()})) == ${rng.int(3) - 1}`,
      () => `quantity(${amount()}).${rng.pick(['asInteger() > 3', 'asApproximateFloat() < 2.0', 'sign() == 1'])}`,
      () => `ip(${address()}).${rng.pick(['family() == 4', 'isLoopback()', 'isUnspecified()', 'isGlobalUnicast()'])}`,
      () => `ip.isCanonical(${address()})`,
      () => `cidr(${net()}).containsIP(${rng.bool() ? address() : `ip(${address()})`})`,
      () =>
        `cidr(${net()}).${rng.pick(['prefixLength() > 8', 'masked() == cidr("10.0.0.0/8")', 'ip().family() == 6'])}`,
      () => `cidr(${net()}).containsCIDR(${net()})`,
      () =>
        `url(${link()}).${rng.pick(['getHost() == "a.example.com:80"', 'getScheme() == "https"', 'getQuery().size() == 1', 'getEscapedPath() == "/x"', 'getHostname() == "::1"', 'getPort() == "80"'])}`,
      () => `semver(${version()}).${rng.pick(['isLessThan', 'isGreaterThan'])}(semver(${version()}))`,
      () => `semver(${version()}).${rng.pick(['major() == 1', 'minor() > 2', 'patch() == 3'])}`,
      () => `isSemver(${version()}, true) && semver(${version()}, true).major() == 1`,
      () =>
        `format.${rng.pick(['dns1123Label', 'dns1123Subdomain', 'qualifiedName', 'labelValue', 'uuid', 'byte', 'date', 'datetime', 'uri'])}().validate(${text()}).hasValue()`,
      () => `!format.named(${rng.pick(['"dns1123Label"', '"nothing"', text()])}).hasValue()`,
      () => `${text()}.find(${rng.pick(['"[a-c]+"', '"^x"', '"[0-9]"', '"("'])}) == ${text()}`,
      () => `${text()}.findAll("[a-z]", ${rng.int(3)}).size() > ${rng.int(3)}`,
      () => `${text()}.matches(${rng.pick(['"^[a-c]+$"', '"x?"', '"[[:digit:]]"', '"("'])})`,
      () => `${this.strings(1)}.isSorted()`,
      () =>
        `${this.ints()}.${rng.pick(['sum() > 3', 'min() == 0', 'max() < 5', 'isSorted()', 'indexOf(1) == 0', 'lastIndexOf(2) > 0'])}`,
      () => `sets.${rng.pick(['contains', 'intersects', 'equivalent'])}(${this.ints()}, ${this.ints()})`,
      () =>
        `${who()}.group(${rng.pick(['""', '"apps"'])}).resource(${rng.pick(['"pods"', '"deployments"'])}).namespace("{{ns}}").check(${rng.pick(['"get"', '"create"'])}).allowed()`,
      () =>
        `${who()}.path(${rng.pick(['"/healthz"', '"/x"'])}).check("get").${rng.pick(['allowed()', 'reason() == ""', 'errored()'])}`,
      () => `authorizer.requestResource.check(${rng.pick(['"get"', '"delete"'])}).allowed()`,
      () =>
        `namespaceObject.metadata.labels[${rng.pick(['"twin"', '"kubernetes.io/metadata.name"', '"no"'])}] == "{{id}}"`,
      () =>
        `timestamp(${rng.pick(['"2020-01-01T00:00:00Z"', '"2030-01-01T00:00:00+01:00"', text()])}) > timestamp("2025-01-01T00:00:00Z")`,
      () => `duration(${rng.pick(['"1h"', '"90m"', '"x"', text()])}) ${rng.pick(['<', '>='])} duration("1h30m")`,
      () =>
        `timestamp("2020-01-31T23:30:00Z").${rng.pick(['getDayOfWeek() == 5', 'getHours("Europe/Berlin") == 0', 'getFullYear() == 2020', 'getDate("+01:00") == 1'])}`,
      () =>
        `${this.strings(1)}.${rng.pick(['all', 'exists', 'existsOne'])}(i, x, i ${rng.pick(['<', '=='])} ${rng.int(3)} && x != "q")`,
      () => `${this.strings(1)}.transformList(i, x, x + string(i)).size() ${rng.pick(['==', '>'])} ${rng.int(4)}`,
      () => `${this.#map()}.${rng.pick(['all', 'exists'])}(k, v, k ${rng.pick(['==', '!='])} v)`,
      () => `${this.#map()}.transformMap(k, v, v + "!") ${rng.pick(['==', '!='])} {"k": "1!"}`,
      () =>
        `object.?${rng.pick(['data', 'spec', 'status'])}.${rng.pick(['?x.hasValue()', '?k.orValue("") == "1"', '?replicas.orValue(2) == 2', '?replicas.optMap(r, r + 1).orValue(0) > 3'])}`,
      () =>
        `type(object.${rng.pick(['metadata.name', 'spec.replicas', 'metadata', 'metadata.labels'])}) == ${rng.pick(['string', 'int', 'map', 'double'])}`,
      () => `dyn(${this.int(1)}) ${rng.pick(['==', '!=', '<'])} ${rng.pick(['1.0', '2u', '"x"', '3'])}`,
      () => `b"${rng.pick(['a', 'xyz'])}" == bytes(${text()})`,
    ])();
  }

  int(depth = 1): string {
    const rng = this.#rng;
    const more = () => (depth > 0 ? this.int(depth - 1) : String(rng.int(6)));
    return this.#pick([
      () => String(rng.int(7)),
      () => `size(${this.string(0)})`,
      () => `${this.strings(0)}.size()`,
      () => `int(${rng.pick(['object.spec.replicas', '"3"', '2.7', this.string(0)])})`,
      () => `${more()} ${rng.pick(['+', '-', '*', '/', '%'])} ${more()}`,
      () => `${this.ints()}[${rng.int(3)}]`,
      () => `(${more()} > 2 ? ${more()} : ${more()})`,
      () => `${this.string(0)}.indexOf("a")`,
      () => this.#variable('int', () => '1'),
      ...(this.#around.params ? [() => 'int(params.metadata.annotations.max)'] : []),
    ]);
  }

  string(depth = 1): string {
    const rng = this.#rng;
    const more = () => (depth > 0 ? this.string(depth - 1) : '"a"');
    return this.#pick([
      () => rng.pick(['"a"', '"abc"', '""', '"1"', '"k"', '"10.0.0.1"', '"1Gi"', "'x.y/z'", '"ä€😀"']),
      () => 'object.metadata.name',
      () => rng.pick(['request.operation', 'request.name', 'request.namespace', 'request.userInfo.username']),
      () => rng.pick(['request.resource.resource', 'request.kind.kind', 'request.subResource']),
      () => rng.pick(['object.metadata.labels["app"]', 'object.metadata.?labels[?"app"].orValue("none")']),
      () => rng.pick(['object.data["k"]', 'object.spec.word', 'oldObject.metadata.name']),
      () => `string(${rng.pick([this.int(0), 'true', '1.5', 'object.spec.replicas', 'duration("90s")'])})`,
      () => `${more()} + ${more()}`,
      () =>
        `${more()}.${rng.pick(['lowerAscii()', 'upperAscii()', 'trim()', 'reverse()', 'replace("a", "b")', 'replace("a", "", 1)', 'substring(1)', 'substring(0, 1)', 'charAt(0)'])}`,
      () => `${this.strings(0)}.join(${rng.pick(['', '","', '"-"'])})`,
      () => `"%s is %d".format([${more()}, ${this.int(0)}])`,
      () => `strings.quote(${more()})`,
      () => `${this.strings(0)}[${rng.int(2)}]`,
      () => this.#variable('string', () => '"v"'),
      ...(this.#around.params ? [() => 'params.metadata.annotations.word', () => 'params.metadata.name'] : []),
    ]);
  }

  strings(depth: number): string {
    const rng = this.#rng;
    return this.#pick([
      () => `[${Array.from({ length: rng.int(3) + 1 }, () => this.string(0)).join(', ')}]`,
      () => `${this.string(0)}.split(${rng.pick(['"a"', '""', '","'])})`,
      () => 'request.userInfo.groups',
      () => `${this.#map()}.map(k, k)`,
      ...(depth > 0 ? [() => `${this.strings(0)}.filter(x, x != "a")`, () => `${this.strings(0)} + ["z"]`] : []),
      () => `["c", "a", "b"].${rng.pick(['sort()', 'slice(0, 2)', 'reverse()', 'distinct()', 'sortBy(e, e)'])}`,
    ]);
  }

  ints(): string {
    return `[${Array.from({ length: this.#rng.int(3) + 1 }, () => this.#rng.int(5)).join(', ')}]`;
  }

  #map(): string {
    return this.#rng.pick(['object.metadata.labels', 'object.data', '{"k": "1"}', '{"a": "a", "b": "c"}']);
  }

  #place(): string {
    return this.#rng.pick([
      'object.spec',
      'object.spec.replicas',
      'object.status.replicas',
      'object.metadata.labels',
      'object.metadata.annotations.x',
      'oldObject.spec',
      'object.data.k',
      'request.options.dryRun',
      'request.namespace',
      'namespaceObject.metadata.labels.twin',
    ]);
  }
}
