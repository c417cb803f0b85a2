/** The inputs of a form, each with what is wrong with it beside it, for eyes and for screen readers. */
import { useId } from 'preact/hooks'

export function useFields<Field extends string>(wrong: Partial<Record<Field | '', string>>, set: (change: { [name in Field]?: string }) => void) {
  const id = useId()
  return {
    id,
    /** The attributes of an input. */
    said: (field: Field) => ({ id: `${id}${field}`, name: field, 'aria-invalid': wrong[field] ? true : undefined, 'aria-describedby': wrong[field] ? `${id}${field}w` : undefined }),
    typed: (field: Field) => (e: { currentTarget: { value: string } }) => set({ [field]: e.currentTarget.value } as { [name in Field]?: string }),
    why: (field: Field) =>
      wrong[field] && (
        <span class="wrong" id={`${id}${field}w`}>
          {wrong[field]}
        </span>
      ),
  }
}
