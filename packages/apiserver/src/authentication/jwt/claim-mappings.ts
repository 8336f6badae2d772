import type { UserInfo } from '../../registry/contract.ts';
import type { Evaluate, ExpressionCompiler } from './contract.ts';
import type { JwtOptions } from './jwt-options.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Who a token's claims say its bearer is. Throws, in Kubernetes' words, for claims that say it not or must not. */
export type UserOfClaims = (claims: Claims) => UserInfo;

type Read<T> = (claims: Claims) => T;

/** Throws for expressions that do not compile. */
export function userOfClaims(options: JwtOptions, compiler: ExpressionCompiler): UserOfClaims {
  const { username, groups, uid, extra } = options.claimMappings;
  const check = claimRules(options, compiler);
  const readName = nameReader(username, compiler);
  const readGroups = groups && groupsReader(groups, compiler);
  const readUid = uid && uidReader(uid, compiler);
  const readExtra = extra.map(({ key, valueExpression }) => ({
    key,
    read: told(valueExpression, compiler.compile(valueExpression, 'claims', 'string or list')),
  }));
  const checkUser = userRules(options, compiler);
  return (claims) => {
    const name = readName(claims);
    const memberOf = readGroups?.(claims) ?? [];
    const id = readUid?.(claims);
    const { jti } = claims;
    const all: Record<string, readonly string[]> = {};
    if (typeof jti === 'string' && jti !== '') all['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
    for (const { key, read } of readExtra) {
      const values = stringsOf(read(claims)).filter((each) => each !== '');
      if (values.length > 0) all[key] = values;
    }
    check(claims);
    const user: UserInfo = {
      name,
      ...(id && { uid: id }),
      groups: memberOf,
      ...(Object.keys(all).length > 0 && { extra: all }),
    };
    checkUser(user);
    return user;
  };
}

type Mapping = JwtOptions['claimMappings'];

function nameReader(
  { claim, prefix = '', expression }: Mapping['username'],
  compiler: ExpressionCompiler,
): Read<string> {
  if (expression !== undefined) {
    const evaluate = told(expression, compiler.compile(expression, 'claims', 'string or list'));
    return (claims) => {
      const name = within('oidc: error evaluating username claim expression', () => stringOf(evaluate(claims)));
      if (name === '') throw new Error('oidc: empty username via CEL expression is not allowed');
      return name;
    };
  }
  return (claims) => {
    const name = within(`oidc: parse username claims ${JSON.stringify(claim)}`, () => stringClaim(claims, claim));
    if (claim === 'email' && 'email_verified' in claims && claims['email_verified'] !== true) {
      throw new Error('oidc: email not verified');
    }
    return prefix + name;
  };
}

function groupsReader(
  { claim, prefix = '', expression }: NonNullable<Mapping['groups']>,
  compiler: ExpressionCompiler,
): Read<readonly string[]> | undefined {
  if (expression !== undefined) {
    const evaluate = told(expression, compiler.compile(expression, 'claims', 'string or list'));
    return (claims) =>
      within('oidc: error evaluating group claim expression', () => stringsOf(evaluate(claims))).filter(
        (each) => each !== '',
      );
  }
  if (claim === undefined) return undefined;
  return (claims) => {
    const value = claims[claim];
    if (value === undefined || value === null) return [];
    const values = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(values) || !values.every((each) => typeof each === 'string')) {
      throw new Error(`oidc: parse groups claim ${JSON.stringify(claim)}: ${notString(value)}`);
    }
    return values.map((each) => prefix + each);
  };
}

function uidReader({ claim, expression }: NonNullable<Mapping['uid']>, compiler: ExpressionCompiler): Read<string> {
  if (expression !== undefined) {
    const evaluate = told(expression, compiler.compile(expression, 'claims', 'string or list'));
    return (claims) => within('oidc: error evaluating uid claim expression', () => stringOf(evaluate(claims)));
  }
  return (claims) => within(`oidc: parse uid claim ${JSON.stringify(claim)}`, () => stringClaim(claims, claim));
}

function claimRules({ claimValidationRules }: JwtOptions, compiler: ExpressionCompiler): (claims: Claims) => void {
  const rules = claimValidationRules.map(({ claim, requiredValue = '', expression = '', message }) => {
    if (claim !== undefined) return (claims: Claims) => requireClaim(claims, claim, requiredValue);
    const evaluate = told(expression, compiler.compile(expression, 'claims', 'bool'));
    return (claims: Claims) =>
      within('oidc: error evaluating claim validation expression', () =>
        requireTrue(evaluate(claims), expression, message),
      );
  });
  return (claims) => {
    for (const rule of rules) rule(claims);
  };
}

function userRules({ userValidationRules }: JwtOptions, compiler: ExpressionCompiler): (user: UserInfo) => void {
  const rules = userValidationRules.map(({ expression, message }) => {
    const evaluate = compiler.compile(expression, 'user', 'bool');
    return (user: object) => requireTrue(evaluated(expression, evaluate, { user }), expression, message);
  });
  return ({ name, uid = '', groups, extra = {} }) => {
    const user = { username: name, uid, groups, extra };
    for (const rule of rules) within('oidc: error evaluating user info validation rule', () => rule(user));
  };
}

function requireClaim(claims: Claims, claim: string, wanted: string): void {
  if (claims[claim] === undefined) throw new Error(`oidc: required claim ${claim} not present in ID token`);
  const got = within(`oidc: parse claim ${claim}`, () => stringClaim(claims, claim));
  if (got === wanted) return;
  throw new Error(`oidc: required claim ${claim} value does not match. Got = ${got}, want = ${wanted}`);
}

function requireTrue(outcome: unknown, expression: string, message: string | undefined): void {
  if (outcome === true) return;
  throw new Error(`validation expression '${expression}' failed${message ? `: ${message}` : ''}`);
}

const told =
  (expression: string, evaluate: Evaluate): Read<unknown> =>
  (claims) =>
    evaluated(expression, evaluate, { claims });

function evaluated(expression: string, evaluate: Evaluate, variables: Readonly<Record<string, unknown>>): unknown {
  return within(`expression '${expression}' resulted in error`, () => evaluate(variables));
}

function within<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function stringClaim(claims: Claims, claim = ''): string {
  const value = claims[claim];
  if (value === undefined) throw new Error('claim not present');
  if (typeof value !== 'string') throw new Error(notString(value));
  return value;
}

const goKind = (value: unknown) =>
  Array.isArray(value)
    ? 'array'
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'object'
        ? 'object'
        : typeof value;
const notString = (value: unknown) => `json: cannot unmarshal ${goKind(value)} into Go value of type string`;

function stringOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error('expression must return a string');
  return value;
}

function stringsOf(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  const strings = all.filter((each) => typeof each === 'string');
  if (strings.length < all.length) throw new Error('expression must return a string or a list of strings');
  return strings;
}
