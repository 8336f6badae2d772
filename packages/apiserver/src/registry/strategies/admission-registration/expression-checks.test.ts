import { describe, expect, it } from 'vitest';
import { FieldErrors } from '../../strategy.ts';
import { ExpressionChecks } from './expression-checks.ts';

type Check = 'condition' | 'validation' | 'message' | 'annotation' | 'applyConfiguration' | 'jsonPatch';

const undeclared = (name: string, text: string, column = 1) =>
  `compilation failed: ERROR: <input>:1:${column}: undeclared reference to '${name}' (in container '')\n | ${text}\n | ${'.'.repeat(column - 1)}^`;

// What a v1.35.4 API server says.
describe('expressions of policies', () => {
  it.each<[Check, string, string | undefined]>([
    ['condition', '1', 'must evaluate to bool but got int'],
    ['condition', 'params.x == 1', undeclared('params', 'params.x == 1')],
    ['condition', 'variables.a == 1', undeclared('variables', 'variables.a == 1')],
    ['condition', 'namespaceObject.metadata.name', 'must evaluate to bool but got string'],
    ['validation', 'object', 'must evaluate to bool but got dyn'],
    ['validation', 'variables', undeclared('variables', 'variables')],
    ['validation', 'duration("1s")', 'must evaluate to bool but got google.protobuf.Duration'],
    ['validation', 'cidr("x").prefixLength() == 1', undefined],
    [
      'validation',
      'Object{} == Object{}',
      `${undeclared('Object', 'Object{} == Object{}', 7)}\nERROR: <input>:1:19: undeclared reference to 'Object' (in container '')\n | Object{} == Object{}\n | ..................^`,
    ],
    ['validation', 'null', 'must evaluate to bool but got null_type'],
    ['message', 'object.nothing', 'must evaluate to string but got dyn'],
    [
      'message',
      'authorizer.path("/x").check("get").reason()',
      undeclared('authorizer', 'authorizer.path("/x").check("get").reason()'),
    ],
    ['annotation', 'null', undefined],
    ['annotation', '1', 'must evaluate to one of [string null_type] but got int'],
    ['applyConfiguration', 'Object.spec{}', 'must evaluate to Object but got Object.spec'],
    ['applyConfiguration', 'Object{spec: Object.specx{}}', undefined],
    ['applyConfiguration', 'Foo{}', undeclared('Foo', 'Foo{}', 4)],
    ['jsonPatch', '[]', 'must evaluate to list(JSONPatch) but got list(dyn)'],
    ['jsonPatch', '[JSONPatch{op: "add", path: "/" + jsonpatch.escapeKey("x")}]', undefined],
  ])('%s %s', (check, text, problem) => {
    const errors = new FieldErrors();
    new ExpressionChecks(undefined, false)[check](text, 'spec.x', errors);
    const expected = problem === undefined ? [] : [`Invalid value: ${JSON.stringify(text)}: ${problem}`];
    expect(errors.list.map(({ message }) => message)).toEqual(expected);
  });

  it('says what cannot be run in other words', () => {
    const errors = new FieldErrors();
    new ExpressionChecks(undefined, false).condition('"a".find("(") == "a"', 'spec.x', errors);
    const message = 'Internal error: program instantiation failed: error parsing regexp: missing closing ): `(`';
    expect(errors.list).toEqual([{ type: 'InternalError', field: 'spec.x', message }]);
  });

  it('knows variables in their order, with their types', () => {
    const variables = [
      { name: 'a', expression: 'variables.b' },
      { name: 'b', expression: '1' },
      { name: 'c', expression: '' },
    ];
    const checks = new ExpressionChecks(variables, false);
    const errors = new FieldErrors();
    for (const each of variables) checks.variable(each, each.name, errors);
    checks.validation('variables.b == "x"', 'spec.x', errors);
    expect(errors.list.map(({ message }) => message)).toEqual([
      `Invalid value: "variables.b": compilation failed: ERROR: <input>:1:10: undefined field 'b'\n | variables.b\n | .........^`,
      `Invalid value: "variables.b == \\"x\\"": compilation failed: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(int, string)'\n | variables.b == "x"\n | ............^`,
    ]);
  });

  it.each<[string, string | undefined]>([
    ['request.userInfo', undefined],
    ['[request.userInfo]', 'list(dyn)'],
    ['[[request.userInfo]]', 'list(list(dyn))'],
    ["{'a': request.userInfo}", 'map(string, dyn)'],
    ['optional.of(1)', undefined],
    ['[optional.of([1])]', 'list(dyn)'],
    ['type(1)', undefined],
    ["[quantity('1')]", 'list(dyn)'],
    ['authorizer', undefined],
    ["duration('1s')", 'duration'],
    ['1u', 'uint'],
    ['[]', 'list(dyn)'],
    ['{}', 'map(dyn, dyn)'],
    ["b'a'", 'bytes'],
    ['google.protobuf.Int64Value{value: 1}', undefined],
    ['request.dryRun', 'bool'],
  ])('takes a variable that is %s for %s', (expression, type) => {
    const errors = new FieldErrors();
    new ExpressionChecks([{ name: 'a', expression }], false).validation('variables.a == 1', 'spec.x', errors);
    const why = `found no matching overload for '_==_' applied to '(${type}, int)'`;
    const message = `Invalid value: "variables.a == 1": compilation failed: ERROR: <input>:1:13: ${why}\n | variables.a == 1\n | ............^`;
    expect(errors.list.map((each) => each.message)).toEqual(type === undefined ? [] : [message]);
  });
});
