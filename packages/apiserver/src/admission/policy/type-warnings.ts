import type { ExpressionWarning, ValidatingAdmissionPolicySpec } from '@keelson/core';
import { type CelType, customKindType, customListType, kindType } from '../../cel/index.ts';
import type { Schema } from '../../registry/contract.ts';
import { checkedKinds, type KindName, type NamedKind } from './checked-kinds.ts';
import { type PolicyExpression, PolicyExpressions } from './policy-expressions.ts';

/** What is known of a kind that is served. */
export interface ServedKind extends NamedKind {
  readonly listKind: string;
  readonly schema?: Schema;
  readonly custom: boolean;
}

export interface TypeWarningsOptions {
  readonly served: readonly ServedKind[];
  /** What makes the names of types unlike those of any other check: the nanoseconds of the second, as by Kubernetes. */
  readonly nanoseconds: number;
  /** Called between expressions: others may want the thread. */
  readonly pause?: () => Promise<void>;
}

/**
 * What is wrong with the expressions of a policy, once the types are known of the objects that it names and of its
 * parameters (KEP-3488, "Type Checking"): for `status.typeChecking`. Validations and their messages are looked at, and
 * variables as far as they are used in them; of each kind all mistakes are told.
 */
export async function typeWarnings(
  { matchConstraints, paramKind, variables, validations = [] }: ValidatingAdmissionPolicySpec,
  { served, nanoseconds, pause }: TypeWarningsOptions,
): Promise<readonly ExpressionWarning[]> {
  let made = nanoseconds;
  const typeOf = (kind: KindName) => typeOfKind(kind, served, `${kind.kind}${made++}`);
  const params = paramKind && typeOf(parsedKind(paramKind));
  const checks: KindCheck[] = [];
  for (const kind of checkedKinds(matchConstraints?.resourceRules ?? [], served)) {
    const object = typeOf(kind);
    if (!object) continue;
    const { group, version, kind: name } = kind;
    const expressions = new PolicyExpressions(variables, false, { object, params });
    checks.push({ name: `${group}/${version}, Kind=${name}`, expressions });
    await pause?.();
  }
  const warnings: ExpressionWarning[] = [];
  const look = (fieldRef: string, compile: (by: PolicyExpressions) => PolicyExpression) => {
    const found = checks.flatMap(({ name, expressions }) => {
      const { compiled } = compile(expressions);
      // What a value is compared with elsewhere, and what always fails when it is run, was told on write.
      return compiled.failure === 'compilation' ? [`${name}: ${compiled.message}\n`] : [];
    });
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join('\n') });
  };
  for (const [index, { expression, messageExpression }] of validations.entries()) {
    const at = `spec.validations[${index}]`;
    look(`${at}.expression`, (by) => by.validation(expression));
    if (messageExpression) look(`${at}.messageExpression`, (by) => by.message(messageExpression));
    await pause?.();
  }
  return warnings;
}

interface KindCheck {
  /** As Kubernetes writes it: `apps/v1, Kind=Deployment`. */
  readonly name: string;
  readonly expressions: PolicyExpressions;
}

function parsedKind({ apiVersion = '', kind = '' }: NonNullable<ValidatingAdmissionPolicySpec['paramKind']>): KindName {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, kind };
}

/** Built-in kinds have types wherever they are defined, served or not. */
function typeOfKind(
  { group, version, kind }: KindName,
  served: readonly ServedKind[],
  name: string,
): CelType | undefined {
  const own = (each: ServedKind) => each.custom && each.group === group && each.version === version;
  const custom = served.find((each) => own(each) && (each.kind === kind || each.listKind === kind));
  if (!custom) return kindType(group, version, kind, name);
  const { schema = { type: 'object' } } = custom;
  return custom.kind === kind ? customKindType(schema, name) : customListType(schema, name);
}
