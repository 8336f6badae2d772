import type { ExpressionCompiler } from '../authentication/index.ts';

/** The CEL of an AuthenticationConfiguration. */
export const expressionCompiler: ExpressionCompiler = {
  compile(expression) {
    throw new Error(
      `authentication.jwt: the expression ${JSON.stringify(expression)} cannot be compiled: CEL is not there yet`,
    );
  },
};
