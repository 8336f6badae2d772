export * from './contract.ts';
export * from './standard-types.ts';
export * from './syntax/expression.ts';
export * from './syntax/macro.ts';
export * from './type.ts';
export * from './value.ts';
