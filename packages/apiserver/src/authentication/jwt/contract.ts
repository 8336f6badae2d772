/** One compiled expression. Throws, with what CEL says, when it cannot be evaluated. */
export type Evaluate = (variables: Readonly<Record<string, unknown>>) => unknown;

/**
 * Compiles the CEL expressions of an AuthenticationConfiguration. `claims` is the map of a token's claims, `user` the
 * object that was made of them. Throws, with what CEL says, for an expression that is none or whose type does not fit.
 */
export interface ExpressionCompiler {
  compile(expression: string, variable: 'claims' | 'user', result: 'bool' | 'string or list'): Evaluate;
}
