export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" role="img" aria-label="tollgate">
      <rect width="32" height="32" rx="7" class="logo-field" />
      <path d="M8 25V13a8 8 0 0 1 16 0v12M5 18h22" class="logo-line" />
      <circle cx="16" cy="18" r="2.6" class="logo-dot" />
    </svg>
  );
}
