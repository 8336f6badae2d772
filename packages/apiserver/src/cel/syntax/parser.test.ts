import { tests as checking } from '@bufbuild/cel-spec/testdata/checking.js';
import { tests as folds } from '@bufbuild/cel-spec/testdata/comprehension.js';
import { tests as conformance } from '@bufbuild/cel-spec/testdata/conformance.js';
import { tests as parsing } from '@bufbuild/cel-spec/testdata/parsing.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allTests, suiteSchema } from '../conformance.test-data.ts';
import { parse } from './parser.ts';
import { optionalMacros, standardMacros } from './standard-macros.ts';
import { kindMark, treeText } from './tree-text.test-data.ts';

const read = (text: string) =>
  parse(text, { macros: [...standardMacros, ...optionalMacros], optionalSyntax: true, escapedNames: true });

const squeezed = (text: string): string => text.replaceAll(/\s+/g, '');

/** What is not compared, and why. */
const otherwise: readonly RegExp[] = [
  /\\|[^ -~]/, // Go writes special characters in a way of its own
  /\.optMap\(/, // the vectors were read without the macros of optionals
  /existsOne\(/, // a macro of the specification that Kubernetes' CEL does not have
  /cel\.bind|cel\.block|proto\.(has|get)Ext/, // macros that Kubernetes' CEL does not have
];

describe('the parser of CEL', () => {
  it.each([
    ['parsing', parsing],
    ['checking', checking],
    ['comprehensions', folds],
    ['conformance', conformance],
  ])('makes the trees of cel-go: %s', (_, vectors) => {
    let same = 0;
    const wrong: string[] = [];
    for (const { test } of allTests(suiteSchema.parse(vectors))) {
      const { expr, disableMacros } = test.original;
      if (test.ast === undefined || disableMacros || otherwise.some((each) => each.test(expr))) continue;
      const parsed = read(expr);
      const mine = parsed.issues ? `${parsed.issues[0]?.message}` : treeText(parsed.expression, kindMark);
      if (squeezed(mine) === squeezed(test.ast)) same += 1;
      else wrong.push(`${expr}: ${mine.slice(0, 300)} instead of ${test.ast.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
    expect(same).toBeGreaterThan(50);
  });

  it('reads what is written of any tree', () => {
    const leaf = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
      fc.string().map((text) => JSON.stringify(text)),
      fc.constantFrom('a', 'b.c', 'true', 'null', '1.5', '2u', '[]', '{}'),
    );
    const { expression } = fc.letrec<{ expression: string }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        leaf,
        fc
          .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '==', '<', '&&', '||', 'in'), tie('expression'))
          .map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
        fc.tuple(tie('expression'), tie('expression')).map(([list, index]) => `(${list})[${index}]`),
        fc.array(tie('expression'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
        fc.tuple(tie('expression'), tie('expression')).map(([key, value]) => `{${key}: ${value}}`),
        fc
          .tuple(tie('expression'), tie('expression'), tie('expression'))
          .map(([c, y, n]) => `(${c}) ? (${y}) : (${n})`),
        fc.array(tie('expression'), { maxLength: 3 }).map((args) => `f(${args.join(', ')})`),
      ),
    }));
    fc.assert(
      fc.property(expression, (text) => {
        const once = read(text);
        if (once.issues) throw new Error(once.issues[0]?.message);
        const again = read(`((${text.replaceAll(' ', ' \n')}))`);
        if (again.issues) return text.includes('"');
        const plain = (parsed: typeof once) => treeText(parsed.expression, () => '');
        return text.includes('"') || plain(once) === plain(again);
      }),
      { numRuns: 300 },
    );
  });

  it('is not held up by texts that are made to', () => {
    for (const part of ['"""', "'", '\\"', "r'''", '#', '"\\"', '&', '!', '(', '[', 'a.', '-', '{', '1e']) {
      const started = performance.now();
      read(part.repeat(Math.floor(99_000 / part.length)));
      expect(performance.now() - started).toBeLessThan(3000);
    }
  });
});
