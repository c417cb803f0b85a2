module plumbline/schemas

go 1.26.0
