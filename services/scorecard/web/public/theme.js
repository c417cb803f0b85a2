// Applies the theme the reader chose last, before anything is painted. Without a choice the system's theme holds.
try {
  const chosen = localStorage.getItem('plumbline.theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage is blocked: the system's theme holds.
}
