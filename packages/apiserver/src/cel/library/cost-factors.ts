/** Cost of a character that is read once. */
export const perCharacter = 0.1;
/** Cost of a character of a regular expression. */
export const perPatternCharacter = 0.25;
