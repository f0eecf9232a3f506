import js from '@eslint/js';
import globals from 'globals';

const strict = {
  ...js.configs.recommended.rules,
  curly: ['error', 'multi-line'],
  eqeqeq: 'error',
  'no-shadow': 'error',
  'no-unused-vars': ['error', { caughtErrors: 'all' }],
  'no-use-before-define': ['error', { functions: false }],
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'max-lines': ['error', 250],
  'max-lines-per-function': ['error', 80],
};

export default [
  { ignores: ['**/bundle/', '**/node_modules/'] },
  { files: ['**/viewer/js/**/*.js'], languageOptions: { globals: globals.browser }, rules: strict },
  { files: ['**/viewer/*.js', '**/*.mjs'], languageOptions: { globals: globals.nodeBuiltin }, rules: strict },
];
