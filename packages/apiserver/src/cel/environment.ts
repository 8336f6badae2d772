import type { CostEstimate } from './contract.ts';
import { estimateCost, type SizeByPath } from './cost/cost-estimator.ts';
import { compileExpression } from './runtime/compiler.ts';
import type { Activation } from './runtime/frame.ts';
import { CelProgram } from './runtime/program.ts';
import type { Expression } from './syntax/expression.ts';
import { parse } from './syntax/parser.ts';
import { type CelIssue, showIssues } from './syntax/source.ts';
import type { CelType } from './type.ts';
import { type CheckedExpression, check } from './types/checker.ts';
import { type DeclarationOptions, Declarations } from './types/declarations.ts';
import { checkLiterals } from './types/literal-checks.ts';
import { isExactly } from './types/substitution.ts';
import { CelError } from './value.ts';

export interface CelEnvironmentOptions extends DeclarationOptions {
  /** Sizes of variables' values by their paths, for the static cost. */
  readonly sizeByPath?: SizeByPath;
  /** Compiled expressions that are kept; 1,000 without it, 0 keeps none. */
  readonly cacheSize?: number;
  /** Whether what Kubernetes refuses beyond CEL is looked for; true without it. */
  readonly checkLiterals?: boolean;
  /** Whether names in backticks may follow a dot; false without it. */
  readonly escapedNames?: boolean;
}

export interface CompileOptions {
  /** Another type is a failure of kind `type`. */
  readonly wantedType?: CelType;
}

/** Why an expression cannot be used. */
export interface CelFailure {
  /**
   * `compilation`: it cannot be read, or its types do not fit. `type`: it gives another type than is wanted.
   * `program`: a constant part of it fails whenever it is evaluated.
   */
  readonly failure: 'compilation' | 'type' | 'program';
  /** In the words of the real server: mistakes with their lines, the full name of the type that it gives, or the error. */
  readonly message: string;
}

export interface CelExpression {
  readonly failure?: undefined;
  readonly text: string;
  readonly type: CelType;
  readonly checked: CheckedExpression;
  readonly program: CelProgram;
  /** Static cost, computed when it is first asked for. */
  readonly cost: CostEstimate;
  /** Whether it refers to a variable of the environment. */
  uses(variable: string): boolean;
}

export type CelCompilation = CelFailure | CelExpression;

export type { Activation, Expression };

/** Longer texts are compiled anew each time, so that what is kept stays small. */
const greatestKept = 10_000;

/** What expressions of one kind may name, and the compiler of them. */
export class CelEnvironment {
  readonly #declarations: Declarations;
  readonly #options: CelEnvironmentOptions;
  readonly #cacheSize: number;
  readonly #known = new Map<string, CelCompilation>();

  constructor(options: CelEnvironmentOptions) {
    this.#declarations = new Declarations(options);
    this.#options = options;
    this.#cacheSize = options.cacheSize ?? 1000;
  }

  /**
   * Reads, checks and compiles a text.
   *
   *     const compiled = environment.compile('self.replicas <= 10', { wantedType: boolType });
   *     if (compiled.failure) throw new Error(compiled.message);
   *     compiled.program.evaluate({ self });
   */
  compile(text: string, { wantedType }: CompileOptions = {}): CelCompilation {
    let found = this.#known.get(text);
    if (!found) {
      found = this.#compile(text);
      if (this.#known.size >= this.#cacheSize) this.#known.clear();
      if (this.#cacheSize > 0 && text.length <= greatestKept) this.#known.set(text, found);
    }
    if (found.failure || !wantedType || isExactly(found.type, wantedType)) return found;
    return { failure: 'type', message: found.type.fullName };
  }

  #compile(text: string): CelCompilation {
    const { escapedNames = false } = this.#options;
    const parsed = parse(text, { macros: this.#declarations.macros, optionalSyntax: true, escapedNames });
    if (parsed.issues) return failed(text, parsed.issues);
    const { checked, issues } = {
      checked: undefined,
      issues: undefined,
      ...check(parsed.expression, this.#declarations),
    };
    if (!checked) return failed(text, issues ?? []);
    const mistakes = this.#options.checkLiterals === false ? [] : checkLiterals(checked);
    if (mistakes.length > 0) return failed(text, mistakes);
    try {
      const program = new CelProgram(compileExpression(checked));
      return new Compiled(text, checked, program, this.#options.sizeByPath);
    } catch (error) {
      if (error instanceof CelError) return { failure: 'program', message: error.message };
      throw error;
    }
  }
}

const failed = (text: string, issues: readonly CelIssue[]): CelFailure => ({
  failure: 'compilation',
  message: showIssues(text, issues),
});

class Compiled implements CelExpression {
  readonly text: string;
  readonly type: CelType;
  readonly checked: CheckedExpression;
  readonly program: CelProgram;
  readonly #sizeByPath: SizeByPath | undefined;
  #cost: CostEstimate | undefined;

  constructor(text: string, checked: CheckedExpression, program: CelProgram, sizeByPath: SizeByPath | undefined) {
    this.text = text;
    this.type = checked.type;
    this.checked = checked;
    this.program = program;
    this.#sizeByPath = sizeByPath;
  }

  get cost(): CostEstimate {
    this.#cost ??= estimateCost(this.checked, this.#sizeByPath);
    return this.#cost;
  }

  uses(variable: string): boolean {
    for (const reference of this.checked.references.values()) {
      if (reference.kind === 'variable' && reference.name === variable) return true;
    }
    return false;
  }
}
